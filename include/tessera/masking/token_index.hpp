#pragma once

#include <optional>
#include <string_view>

#include "tessera/core/tensor.hpp"

namespace tessera {

/// [B, K]: for each image, K positions in a sequence of tokens. Order is kept.
using TokenIndex = Tensor<Index, 2>;

/// [B, L]: true where a token is masked.
using TokenMask = Tensor<bool, 2>;

/// Which tokens a masked model sees. Indices address the full sequence, prefix tokens included.
struct TokenSelection {
  /// [B, K] replaced by the mask token, before positions are added.
  std::optional<TokenIndex> idx_mask = std::nullopt;
  /// [B, K] only these go on, after masking and positions.
  std::optional<TokenIndex> idx_keep = std::nullopt;
  /// [B, L] the boolean form of idx_mask; not both.
  std::optional<TokenMask> mask = std::nullopt;
};

/// Throws std::invalid_argument unless `index` is [batch, any] with every entry in [0, length).
/// `name` is the index as its caller knows it.
inline void check_token_index(std::string_view op, const ArgumentName& name,
                              const TokenIndex& index, Index batch, Index length) {
  if (index.dim(0) != batch) {
    refuse(op, name, " ", index.shape(), " must have ", batch, " rows, one per image");
  }
  for (Index b = 0; b < batch; ++b) {
    for (Index k = 0; k < index.dim(1); ++k) {
      if (index(b, k) < 0 || index(b, k) >= length) {
        refuse(op, name, "(", b, ", ", k, ") = ", index(b, k), " is outside [0, ", length, ")");
      }
    }
  }
}

/// Throws std::invalid_argument if a row of `index` names a token twice. Entries must be valid.
inline void check_token_index_unique(std::string_view op, std::string_view name,
                                     const TokenIndex& index, Index length) {
  CachedVector<Index> last_row_seen(static_cast<std::size_t>(length), -1);
  for (Index b = 0; b < index.dim(0); ++b) {
    for (Index k = 0; k < index.dim(1); ++k) {
      Index& seen = last_row_seen[static_cast<std::size_t>(index(b, k))];
      if (seen == b) {
        refuse(op, name, "(", b, ", ", k, ") = ", index(b, k), " appears twice in its row");
      }
      seen = b;
    }
  }
}

/// Throws std::invalid_argument unless a selection fits sequences [batch, length] and names masked
/// tokens in one way at most.
inline void check_token_selection(std::string_view op, const TokenSelection& selection, Index batch,
                                  Index length) {
  if (selection.idx_mask && selection.mask) {
    refuse(op, "idx_mask and mask cannot both be set at the same time");
  }
  if (selection.idx_mask) check_token_index(op, "idx_mask", *selection.idx_mask, batch, length);
  if (selection.idx_keep) check_token_index(op, "idx_keep", *selection.idx_keep, batch, length);
  if (selection.mask && selection.mask->shape() != Shape<2>{batch, length}) {
    refuse(op, "mask ", selection.mask->shape(), " must be ", Shape<2>{batch, length},
           ", one per token");
  }
}

}  // namespace tessera
