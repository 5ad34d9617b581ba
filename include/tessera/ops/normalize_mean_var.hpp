#pragma once

#include <cmath>

#include "tessera/ops/layer_norm.hpp"

namespace tessera {

/// x [..., D] -> (x - mean) / sqrt(var + eps) over the last axis [..., D], with the unbiased
/// variance (divisor D - 1) that norm_pix_loss asks for. He et al., 2021, "Reconstruction target".
/// Throws std::invalid_argument if the last axis has fewer than two values, or unless eps is finite
/// and >= 0.
template <std::floating_point Scalar, int Rank>
Var<Scalar, Rank> normalize_mean_var(const Var<Scalar, Rank>& x,
                                     std::type_identity_t<Scalar> eps = Scalar(1e-6)) {
  static_assert(Rank >= 1);
  const Index cols = x.value().cols();
  if (cols <= 1) {
    refuse("normalize_mean_var", "x ", x.shape(),
           " needs two values along its last axis for an unbiased variance");
  }
  if (!(std::isfinite(eps) && eps >= 0)) {
    refuse("normalize_mean_var", "eps = ", eps, " must be finite and not negative");
  }
  // The unbiased variance is the biased one times D / (D - 1): a layer norm with that factor
  // taken out of the root.
  const Scalar share = static_cast<Scalar>(cols - 1) / static_cast<Scalar>(cols);
  const Var<Scalar, 1> gamma(Tensor<Scalar, 1>({cols}, std::sqrt(share)));
  return layer_norm(x, gamma, std::nullopt, eps * share);
}

}  // namespace tessera
