#pragma once

#include "tessera/core/random/distributions.hpp"
#include "tessera/masking/mask_checks.hpp"
#include "tessera/masking/token_index.hpp"

namespace tessera {

/// size {batch, length} -> [B, L]: true from position n on, n drawn per image from
/// [0, max_prefix_length), the upper end never: that is what lightly's random_prefix_mask computes,
/// though its text says otherwise. Throws std::invalid_argument for an empty size or
/// max_prefix_length < 1.
inline TokenMask random_prefix_mask(const Shape<2>& size, Index max_prefix_length,
                                    Generator& generator) {
  constexpr std::string_view op = "random_prefix_mask";
  detail::check_mask_size(op, size);
  if (max_prefix_length < 1) {
    refuse(op, "max_prefix_length = ", max_prefix_length, " must be at least 1");
  }
  TokenMask mask(size, true);
  for (Index b = 0; b < size[0]; ++b) {
    std::fill_n(mask.row(b), std::min(size[1], generator.randint(0, max_prefix_length)), false);
  }
  return mask;
}

}  // namespace tessera
