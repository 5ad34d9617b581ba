#pragma once

#include "tessera/core/random/distributions.hpp"
#include "tessera/core/size.hpp"
#include "tessera/masking/keep_mask.hpp"
#include "tessera/masking/mask_checks.hpp"

namespace tessera {

struct RandomGridTokenMaskOptions {
  double mask_ratio = 0.75;     ///< of the cells
  Index grid_size = 4;          ///< side of a cell, in patches
  Index num_prefix_tokens = 1;  ///< never masked, first in idx_keep
};

/// size {batch, height, width} of the patch grid. Masks or keeps whole cells of grid_size x
/// grid_size patches: int(cells * (1 - ratio)) cells are kept. Cells in random order, row by row
/// inside a cell; patch q is token q + P. lightly's random_grid_token_mask (Pixio, arXiv
/// 2512.15715), and any height and width. Throws std::invalid_argument for an empty size, a ratio
/// outside [0, 1], or a grid that cells do not tile.
inline KeepMask random_grid_token_mask(const Shape<3>& size,
                                       const RandomGridTokenMaskOptions& options,
                                       Generator& generator) {
  constexpr std::string_view op = "random_grid_token_mask";
  const auto [batch, height, width] = size;
  const Index side = options.grid_size;
  const Index prefix = options.num_prefix_tokens;
  detail::check_mask_size(op, size);
  detail::check_ratio(op, "mask_ratio", options.mask_ratio);
  if (prefix < 0) refuse(op, "num_prefix_tokens = ", prefix, " is negative");
  if (side < 1) refuse(op, "grid_size = ", side, " must be at least 1");
  if (height % side != 0 || width % side != 0) {
    refuse(op, "patch grid ", Size{height, width}, " is not divisible by grid_size = ", side);
  }

  const Index cells_per_row = width / side;
  const Index cells = height / side * cells_per_row;
  const Index kept = detail::kept_count(cells, options.mask_ratio);
  const TokenIndex order = detail::argsort(rand<float>(Shape<2>{batch, cells}, generator));
  KeepMask result{TokenIndex::empty({batch, prefix + kept * side * side}),
                  TokenIndex::empty({batch, (cells - kept) * side * side})};
  for (Index b = 0; b < batch; ++b) {
    Index* keep = result.idx_keep.row(b);
    Index* mask = result.idx_mask.row(b);
    for (Index token = 0; token < prefix; ++token) *keep++ = token;
    for (Index place = 0; place < cells; ++place) {
      const Index cell = order(b, place);
      const Index corner = cell / cells_per_row * side * width + cell % cells_per_row * side;
      Index*& next = place < kept ? keep : mask;
      for (Index patch = 0; patch < side * side; ++patch) {
        *next++ = prefix + corner + patch / side * width + patch % side;
      }
    }
  }
  return result;
}

}  // namespace tessera
