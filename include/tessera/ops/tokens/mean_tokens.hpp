#pragma once

#include "tessera/autograd/record.hpp"
#include "tessera/kernels/rows.hpp"

namespace tessera {

/// tokens [B, L, D] -> mean over tokens [first, L) of every image [B, D], summed pairwise (see
/// kernels::column_sums).
/// Throws std::invalid_argument if there is no such token.
template <std::floating_point Scalar>
Var<Scalar, 2> mean_tokens(const Var<Scalar, 3>& tokens, Index first) {
  if (first < 0 || first >= tokens.dim(1)) {
    refuse("mean_tokens", "tokens ", tokens.shape(), " has none from position ", first, " on");
  }
  const Index length = tokens.dim(1);
  const Index cols = tokens.dim(2);
  const Scalar share = Scalar(1) / static_cast<Scalar>(length - first);
  Tensor<Scalar, 2> mean({tokens.dim(0), cols});
  parallel_for(tokens.dim(0), [&](Index b) {
    kernels::column_sums<Scalar>(
        kernels::view(tokens.value()).middle_rows(b * length + first, length - first), mean.row(b));
    kernels::scale(share, mean.row(b), cols);
  });
  return record(
      "mean_tokens", std::move(mean),
      [dtokens = tokens.gradient(), first, length, cols, share](const Tensor<Scalar, 2>& dmean) {
        Tensor<Scalar, 3> result(dtokens.shape());
        parallel_for(dmean.dim(0), [&](Index b) {
          for (Index l = first; l < length; ++l) {
            Scalar* token = result.row(b * length + l);
            for (Index c = 0; c < cols; ++c) token[c] = dmean.row(b)[c] * share;
          }
        });
        dtokens.add(std::move(result));
      },
      tokens);
}

}  // namespace tessera
