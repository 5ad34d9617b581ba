#pragma once

#include <algorithm>
#include <numeric>

#include "tessera/masking/token_index.hpp"

namespace tessera {

/// Tokens split in two. Each token of the sequence is in exactly one of both.
struct KeepMask {
  TokenIndex idx_keep;  ///< [B, kept] tokens that stay visible
  TokenIndex idx_mask;  ///< [B, L - kept] tokens that are masked
};

namespace detail {

/// noise [B, L] -> [B, L]: each row's positions by rising noise. Equal values keep their order,
/// as in torch.argsort(stable=True). Without `stable`, which the packages do not set, torch leaves
/// the order of equal values open.
template <class Scalar>
TokenIndex argsort(const Tensor<Scalar, 2>& noise) {
  TokenIndex order = TokenIndex::empty(noise.shape());
  for (Index b = 0; b < noise.dim(0); ++b) {
    const Scalar* row = noise.row(b);
    Index* begin = order.row(b);
    Index* end = begin + noise.dim(1);
    std::iota(begin, end, Index{0});
    std::sort(begin, end,
              [row](Index i, Index j) { return row[i] < row[j] || (!(row[j] < row[i]) && i < j); });
  }
  return order;
}

/// order [B, L] -> the first `kept` columns, and the others.
inline KeepMask split_columns(const TokenIndex& order, Index kept) {
  const Index batch = order.dim(0);
  KeepMask parts{TokenIndex::empty({batch, kept}), TokenIndex::empty({batch, order.dim(1) - kept})};
  for (Index b = 0; b < batch; ++b) {
    const Index* row = order.row(b);
    std::copy(row, row + kept, parts.idx_keep.row(b));
    std::copy(row + kept, row + order.dim(1), parts.idx_mask.row(b));
  }
  return parts;
}

}  // namespace detail
}  // namespace tessera
