#pragma once

#include "tessera/nn/module.hpp"
#include "tessera/ops/layer_norm.hpp"

namespace tessera {

/// Layer normalization over the last axis, x [..., dim] -> [..., dim].
template <std::floating_point Scalar>
struct LayerNorm {
  using scalar_type = Scalar;

  LayerNorm() = default;
  /// Weight 1, bias 0. Throws std::invalid_argument unless dim is positive and eps finite, >= 0.
  LayerNorm(Index dim, double epsilon) : eps(epsilon) {
    if (dim <= 0) refuse("LayerNorm", "dim = ", dim, " must be positive");
    if (!(std::isfinite(epsilon) && epsilon >= 0)) {
      refuse("LayerNorm", "eps = ", epsilon, " must be finite and not negative");
    }
    weight.value = Tensor<Scalar, 1>({dim}, Scalar(1));
    bias.value = Tensor<Scalar, 1>({dim});
  }

  Parameter<Scalar, 1> weight;
  Parameter<Scalar, 1> bias;
  double eps = 1e-6;

  static void visit(auto& self, auto&& visitor) {
    visitor("weight", self.weight, ParameterRole::norm_weight);
    visitor("bias", self.bias, ParameterRole::norm_bias);
  }

  template <int Rank>
  Var<Scalar, Rank> operator()(const Var<Scalar, Rank>& x) const {
    return layer_norm(x, weight.on(x.tape()), bias.on(x.tape()), static_cast<Scalar>(eps));
  }
};

}  // namespace tessera
