#pragma once

#include "tessera/nn/linear.hpp"
#include "tessera/ops/add.hpp"
#include "tessera/ops/dropout.hpp"
#include "tessera/ops/gelu.hpp"
#include "tessera/ops/packed_mlp.hpp"
#include "tessera/ops/swiglu.hpp"

namespace tessera {

/// The function between the two layers of an Mlp.
enum class Activation {
  gelu,       ///< the exact form, of every published MAE and I-JEPA model
  gelu_tanh,  ///< GELU's tanh form
  swiglu,     ///< silu(first half) * second half: fc1 is twice as wide. DINOv2's giant model.
};

/// x [..., dim] -> fc2(activation(fc1(x))) [..., dim].
template <std::floating_point Scalar>
struct Mlp {
  using scalar_type = Scalar;

  Mlp() = default;
  /// `hidden_dim` is the number of inputs of fc2. Throws std::invalid_argument unless the sizes are
  /// positive and drop_rate is in [0, 1).
  Mlp(Index dim, Index hidden_dim, double drop_rate = 0, Activation act = Activation::gelu)
      : fc1(dim, act == Activation::swiglu ? 2 * hidden_dim : hidden_dim),
        fc2(hidden_dim, dim),
        drop(drop_rate),
        activation(act) {
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
    if (one_pass()) return apply_packed<Rank>(x, nullptr);
    return dropout(fc2(hidden(x)), drop);
  }

  /// residual + fc2(activation(fc1(x))), in one pass where nothing is dropped.
  template <int Rank>
  Var<Scalar, Rank> plus(const Var<Scalar, Rank>& x, const Var<Scalar, Rank>& residual) const {
    if (one_pass()) return apply_packed<Rank>(x, &residual);
    if (drop <= 0) return fc2.plus(hidden(x), residual);
    return add(residual, (*this)(x));
  }

 private:
  /// True if both layers run over the same rows in turn. Nothing is dropped then: packed weights
  /// are for inference.
  bool one_pass() const { return fc1.packed && fc2.packed && activation != Activation::swiglu; }

  template <int Rank>
  Var<Scalar, Rank> apply_packed(const Var<Scalar, Rank>& x,
                                 const Var<Scalar, Rank>* residual) const {
    return packed_mlp(
        x, fc1.packed_layer(), fc2.packed_layer(), residual,
        activation == Activation::gelu_tanh ? GeluApproximation::tanh : GeluApproximation::none);
  }

  template <int Rank>
  Var<Scalar, Rank> hidden(const Var<Scalar, Rank>& x) const {
    switch (activation) {
      case Activation::gelu:
        return dropout(fc1.then_gelu(x), drop);
      case Activation::gelu_tanh:
        return dropout(gelu(fc1(x), GeluApproximation::tanh), drop);
      case Activation::swiglu:
        break;
    }
    return dropout(swiglu(fc1(x)), drop);
  }
};

}  // namespace tessera
