#pragma once

#include "tessera/ops/linear.hpp"

namespace tessera {

/// x [..., K], weight [N, K], bias [N], residual [..., N] -> residual + x weight^T + bias [..., N].
/// Throws std::invalid_argument where the shapes do not fit.
template <std::floating_point Scalar, int Rank, int WeightRank>
Var<Scalar, Rank> linear_residual(const Var<Scalar, Rank>& x, const Var<Scalar, WeightRank>& weight,
                                  const OptionalVar<Scalar, 1>& bias,
                                  const Var<Scalar, Rank>& residual) {
  detail::check_linear("linear_residual", x, weight, bias);
  const Shape<Rank> shape = detail::with_last<Rank>(x.shape(), weight.dim(0));
  if (residual.shape() != shape) {
    refuse("linear_residual", "residual ", residual.shape(), " must have the shape of the result ",
           shape);
  }
  return detail::apply_linear<Scalar, Rank>(
      "linear_residual", x, weight, bias,
      {.first = 0, .count = weight.dim(0), .residual = &residual});
}

}  // namespace tessera
