#pragma once

#include <cmath>
#include <optional>

#include "tessera/core/random/distributions.hpp"
#include "tessera/core/size.hpp"
#include "tessera/masking/keep_mask.hpp"
#include "tessera/masking/mask_checks.hpp"

namespace tessera {

struct RandomInverseBlockMaskOptions {
  double mask_ratio = 0.65;               ///< of the patches
  Index num_prefix_tokens = 1;            ///< never masked, first in idx_keep
  double min_aspect = 0.5;                ///< of the visible block, height / width
  std::optional<double> max_aspect = {};  ///< 1 / min_aspect unless given
  bool roll = true;                       ///< shift the block cyclically over the grid
};

/// size {batch, height, width} of the patch grid -> idx_keep [B, P + N - m] and idx_mask [B, m],
/// m = int(N * ratio), both ascending: one block stays visible, everything around it is masked.
/// lightly's random_inverse_block_mask (CAPI, arXiv 2502.08769), and any height and width. Throws
/// std::invalid_argument for an empty size, a ratio outside [0, 1], or a block of these aspect
/// ratios that does not fit the grid.
inline KeepMask random_inverse_block_mask(const Shape<3>& size,
                                          const RandomInverseBlockMaskOptions& options,
                                          Generator& generator) {
  constexpr std::string_view op = "random_inverse_block_mask";
  const auto [batch, height, width] = size;
  const Index prefix = options.num_prefix_tokens;
  detail::check_mask_size(op, size);
  detail::check_ratio(op, "mask_ratio", options.mask_ratio);
  if (prefix < 0) refuse(op, "num_prefix_tokens = ", prefix, " is negative");
  const double max_aspect = options.max_aspect.value_or(1.0 / options.min_aspect);
  detail::check_aspects(op, options.min_aspect, max_aspect);

  const Index patches = height * width;
  const Index masked = detail::masked_count(patches, options.mask_ratio);
  const Index visible = patches - masked;
  const auto area = static_cast<double>(visible);
  double log_low = 0.0;
  double log_high = 0.0;
  if (visible > 0 && masked > 0) {
    log_low =
        std::max(std::log(options.min_aspect), std::log(area / static_cast<double>(width * width)));
    log_high = std::min(std::log(max_aspect),
                        std::log(static_cast<double>(height * height) / (area + 1e-5)));
    if (!(log_low <= log_high)) {
      refuse(op, "no block of ", visible, " patches with an aspect ratio in [", options.min_aspect,
             ", ", max_aspect, "] fits the grid ", Size{height, width});
    }
  }

  KeepMask result{TokenIndex::empty({batch, prefix + visible}), TokenIndex::empty({batch, masked})};
  Tensor<bool, 2> is_visible({height, width}, masked == 0);
  for (Index b = 0; b < batch; ++b) {
    if (visible > 0 && masked > 0) {
      const float log_aspect =
          generator.uniform<float>(static_cast<float>(log_low), static_cast<float>(log_high));
      const double aspect = std::exp(static_cast<double>(log_aspect));
      const auto ceiling = [](double side) { return static_cast<Index>(std::ceil(side)); };
      const Index block_height = std::min(height, ceiling(std::sqrt(area * aspect)));
      const Index block_width = std::min(width, ceiling(std::sqrt(area / aspect)));
      const Index top = generator.randint(0, height - block_height + 1);
      const Index left = generator.randint(0, width - block_width + 1);
      const Index down = options.roll ? generator.randint(0, height) : 0;
      const Index right = options.roll ? generator.randint(0, width) : 0;
      std::fill(is_visible.begin(), is_visible.end(), false);
      for (Index i = 0; i < visible; ++i) {  // the block's first patches, row by row
        is_visible((top + i / block_width + down) % height,
                   (left + i % block_width + right) % width) = true;
      }
    }
    Index* keep = result.idx_keep.row(b);
    Index* mask = result.idx_mask.row(b);
    for (Index token = 0; token < prefix; ++token) *keep++ = token;
    for (Index patch = 0; patch < patches; ++patch) {
      Index*& next = is_visible.data()[patch] ? keep : mask;
      *next++ = prefix + patch;
    }
  }
  return result;
}

}  // namespace tessera
