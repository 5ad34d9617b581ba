#pragma once

#include "tessera/nn/linear.hpp"
#include "tessera/ops/add.hpp"
#include "tessera/ops/dropout.hpp"

namespace tessera {

/// x [..., dim] -> fc2(gelu(fc1(x))) [..., dim].
template <std::floating_point Scalar>
struct Mlp {
  using scalar_type = Scalar;

  Mlp() = default;
  /// Throws std::invalid_argument unless the sizes are positive and drop_rate is in [0, 1).
  Mlp(Index dim, Index hidden, double drop_rate = 0) : fc1(dim, hidden), fc2(hidden, dim),
                                                       drop(drop_rate) {
    detail::check_drop_rate("Mlp", drop_rate, "drop_rate");
  }

  Linear<Scalar> fc1;
  Linear<Scalar> fc2;
  double drop = 0;  ///< dropout after fc1 and fc2, in training

  static void visit(auto& self, auto&& visitor) {
    visitor("fc1", self.fc1);
    visitor("fc2", self.fc2);
  }

  template <int Rank>
  Var<Scalar, Rank> operator()(const Var<Scalar, Rank>& x) const {
    return dropout(fc2(dropout(fc1.then_gelu(x), drop)), drop);
  }

  /// residual + the above, in one pass where nothing is dropped.
  template <int Rank>
  Var<Scalar, Rank> plus(const Var<Scalar, Rank>& x, const Var<Scalar, Rank>& residual) const {
    const Var<Scalar, Rank> hidden = dropout(fc1.then_gelu(x), drop);
    if (drop == 0) return fc2.plus(hidden, residual);
    return add(residual, dropout(fc2(hidden), drop));
  }
};

}  // namespace tessera
