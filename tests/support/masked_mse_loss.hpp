#pragma once

#include <algorithm>

#include "tessera/autograd/record.hpp"
#include "tessera/kernels/arithmetic.hpp"
#include "tessera/kernels/rows.hpp"
#include "tessera/masking/token_index.hpp"

namespace tessera::test {

/// prediction [B, N, D], target [B, N, D], mask [B, N] -> mean [] over the masked tokens of each
/// one's mean squared error. He et al., 2021, "Reconstruction target".
/// Throws std::invalid_argument where the shapes do not fit or if nothing is masked.
template <std::floating_point Scalar>
Var<Scalar, 0> masked_mse_loss(const Var<Scalar, 3>& prediction, const Tensor<Scalar, 3>& target,
                               const TokenMask& mask) {
  if (prediction.shape() != target.shape()) {
    refuse("masked_mse_loss", "prediction ", prediction.shape(), " and target ", target.shape(),
           " must have the same shape");
  }
  if (mask.shape() != Shape<2>{prediction.dim(0), prediction.dim(1)}) {
    refuse("masked_mse_loss", "mask ", mask.shape(),
           " must have one entry per token of prediction ", prediction.shape());
  }
  const Index cols = prediction.dim(2);
  const Index masked = std::count(mask.begin(), mask.end(), true);
  if (cols <= 0) {
    refuse("masked_mse_loss", "prediction ", prediction.shape(),
           " is empty: its mean does not exist");
  }
  if (masked <= 0) {
    refuse("masked_mse_loss", "mask ", mask.shape(),
           " masks no token: the mean over masked tokens does not exist");
  }
  auto error = Tensor<Scalar, 3>(prediction.shape());
  auto squares = Tensor<Scalar, 1>({mask.size()});
  parallel_ranges(mask.size(), kernels::rows_per_cell(cols), [&](Index begin, Index end) {
    for (Index r = begin; r < end; ++r) {
      if (!mask.data()[r]) continue;
      for (Index c = 0; c < cols; ++c) {
        const Scalar e = prediction.value().row(r)[c] - target.row(r)[c];
        error.row(r)[c] = e;
        squares(r) += e * e;
      }
    }
  });
  Scalar total{};
  for (const Scalar sum : squares) total += sum;
  const Scalar share = Scalar(1) / static_cast<Scalar>(masked * cols);
  return record(
      "masked_mse_loss", Tensor<Scalar, 0>({}, total * share),
      [dprediction = prediction.gradient(), error = std::move(error),
       share](const Tensor<Scalar, 0>& dloss) mutable {
        kernels::scale(2 * share * dloss.item(), error.data(), error.size());
        dprediction.add(std::move(error));
      },
      prediction);
}

}  // namespace tessera::test
