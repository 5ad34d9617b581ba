#pragma once

#include <span>

#include "tessera/masking/token_index.hpp"
#include "tessera/ops/tokens/take_rows.hpp"

namespace tessera {

/// tokens [B, N, D], M masks [B, K] -> [M * B, K, D], mask-major: row m * B + b holds
/// tokens[b, masks[m][b, :]]. I-JEPA's way to encode an image under several masks.
/// Throws std::invalid_argument if there is no mask, if the masks differ in shape, or if one has
/// other than B rows or leaves [0, N).
template <std::floating_point Scalar>
Var<Scalar, 3> apply_masks(const Var<Scalar, 3>& tokens, std::span<const TokenIndex> masks) {
  if (masks.empty()) refuse("apply_masks", "masks is empty");
  const Index batch = tokens.dim(0);
  const Index length = tokens.dim(1);
  CachedVector<Index> source;
  for (std::size_t m = 0; m < masks.size(); ++m) {
    const TokenIndex& mask = masks[m];
    if (mask.shape() != masks[0].shape()) {
      refuse("apply_masks", "masks of shapes ", masks[0].shape(), " and ", mask.shape(),
             " cannot be stacked");
    }
    check_token_index("apply_masks", ArgumentName("masks", m), mask, batch, length);
    for (Index b = 0; b < batch; ++b) {
      for (Index k = 0; k < mask.dim(1); ++k) source.push_back(b * length + mask(b, k));
    }
  }
  return detail::take_rows(
      "apply_masks", tokens, std::move(source),
      Shape<3>{static_cast<Index>(masks.size()) * batch, masks[0].dim(1), tokens.dim(2)});
}

}  // namespace tessera
