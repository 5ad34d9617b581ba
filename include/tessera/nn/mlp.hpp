#pragma once

#include "tessera/nn/linear.hpp"
#include "tessera/ops/add.hpp"
#include "tessera/ops/dropout.hpp"
#include "tessera/ops/packed_mlp.hpp"
#include "tessera/ops/swiglu.hpp"

namespace tessera {

/// What stands between the two layers of an Mlp.
enum class Activation {
  gelu,
  swiglu,  ///< silu(first half) * second half: fc1 is twice as wide. DINOv2's giant model.
};

/// x [..., dim] -> fc2(activation(fc1(x))) [..., dim].
template <std::floating_point Scalar>
struct Mlp {
  using scalar_type = Scalar;

  Mlp() = default;
  /// `hidden` is what fc2 sees. Throws std::invalid_argument unless the sizes are positive and
  /// drop_rate is in [0, 1).
  Mlp(Index dim, Index hidden, double drop_rate = 0, Activation between = Activation::gelu)
      : fc1(dim, between == Activation::swiglu ? 2 * hidden : hidden),
        fc2(hidden, dim),
        drop(drop_rate),
        activation(between) {
    detail::check_drop_rate("Mlp", drop_rate, "drop_rate");
  }

  Linear<Scalar> fc1;
  Linear<Scalar> fc2;
  double drop = 0;  ///< dropout after fc1 and fc2, in training
  Activation activation = Activation::gelu;

  static void visit(auto& self, auto&& visitor) {
    visitor("fc1", self.fc1);
    visitor("fc2", self.fc2);
  }

  template <int Rank>
  Var<Scalar, Rank> operator()(const Var<Scalar, Rank>& x) const {
    if (packed()) return packed_mlp(x, fc1.packed_layer(), fc2.packed_layer());
    return dropout(fc2(hidden(x)), drop);
  }

  /// residual + the above, in one pass where nothing is dropped.
  template <int Rank>
  Var<Scalar, Rank> plus(const Var<Scalar, Rank>& x, const Var<Scalar, Rank>& residual) const {
    if (packed()) return packed_mlp(x, fc1.packed_layer(), fc2.packed_layer(), &residual);
    if (drop == 0) return fc2.plus(hidden(x), residual);
    return add(residual, (*this)(x));
  }

 private:
  /// Nothing is dropped then: packed weights are for inference.
  bool packed() const { return fc1.packed && fc2.packed && activation == Activation::gelu; }

  template <int Rank>
  Var<Scalar, Rank> hidden(const Var<Scalar, Rank>& x) const {
    return dropout(activation == Activation::swiglu ? swiglu(fc1(x)) : fc1.then_gelu(x), drop);
  }
};

}  // namespace tessera
