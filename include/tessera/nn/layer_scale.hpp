#pragma once

#include <cmath>

#include "tessera/nn/module.hpp"
#include "tessera/ops/scale.hpp"

namespace tessera {

/// x [..., dim] -> x * gamma. Touvron et al., "Going deeper with image transformers", 2021, 2.2.
template <std::floating_point Scalar>
struct LayerScale {
  using scalar_type = Scalar;

  LayerScale() = default;
  /// Every gamma is `init_value`. Throws std::invalid_argument unless it is finite, dim positive.
  LayerScale(Index dim, double init_value) {
    if (dim <= 0) refuse("LayerScale", "dim = ", dim, " must be positive");
    if (!std::isfinite(init_value)) {
      refuse("LayerScale", "init_value = ", init_value, " must be finite");
    }
    gamma.value = Tensor<Scalar, 1>({dim}, static_cast<Scalar>(init_value));
  }

  Parameter<Scalar, 1> gamma;

  static void visit(auto& self, auto&& visitor) {
    visitor("gamma", self.gamma, ParameterRole::layer_scale);
  }

  template <int Rank>
  Var<Scalar, Rank> operator()(const Var<Scalar, Rank>& x) const {
    return scale(x, gamma.on(x.tape()));
  }
};

}  // namespace tessera
