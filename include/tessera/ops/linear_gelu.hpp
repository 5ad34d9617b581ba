#pragma once

#include "tessera/ops/linear.hpp"

namespace tessera {

/// x [..., K], weight [N, K], bias [N] -> gelu(x weight^T + bias) [..., N], the two steps of
/// linear and gelu in one pass.
/// Throws std::invalid_argument where the shapes do not fit.
template <std::floating_point Scalar, int Rank, int WeightRank>
Var<Scalar, Rank> linear_gelu(const Var<Scalar, Rank>& x, const Var<Scalar, WeightRank>& weight,
                              const OptionalVar<Scalar, 1>& bias = std::nullopt) {
  detail::check_linear("linear_gelu", x, weight, bias);
  return detail::apply_linear<Scalar, Rank>("linear_gelu", x, weight, bias,
                                            {.first = 0, .count = weight.dim(0), .gelu = true});
}

}  // namespace tessera
