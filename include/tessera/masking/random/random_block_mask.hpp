#pragma once

#include <cmath>
#include <numeric>
#include <optional>
#include <vector>

#include "tessera/core/random/python_random.hpp"
#include "tessera/core/size.hpp"
#include "tessera/core/tensor.hpp"
#include "tessera/masking/mask_checks.hpp"

namespace tessera {

struct BlockMaskOptions {
  Index min_num_masks_per_block = 4;
  std::optional<Index> max_num_masks_per_block = {};  ///< the image's num_masks unless given
  double min_block_aspect_ratio = 0.3;                ///< height / width
  std::optional<double> max_block_aspect_ratio = {};  ///< 1 / min_block_aspect_ratio unless given
  Index max_attempts_per_block = 10;
};

/// size -> [H, W], true where a patch is masked: rectangles, until num_masks
/// patches are covered or no further one fits; never more than num_masks. lightly's
/// random_block_mask_image (DINOv2, arXiv 2304.07193), which draws from Python's random module.
/// Throws std::invalid_argument for an empty size, a negative num_masks or bounds out of order.
inline Tensor<bool, 2> random_block_mask_image(const Size& size, Index num_masks,
                                               const BlockMaskOptions& options,
                                               PythonGenerator& generator) {
  constexpr std::string_view op = "random_block_mask_image";
  const Index height = size.height;
  const Index width = size.width;
  const Index max_per_block = options.max_num_masks_per_block.value_or(num_masks);
  const double max_aspect =
      options.max_block_aspect_ratio.value_or(1.0 / options.min_block_aspect_ratio);
  if (height < 1 || width < 1) refuse(op, "size ", size, " must be at least 1 x 1");
  if (num_masks < 0) refuse(op, "num_masks = ", num_masks, " is negative");
  if (options.min_num_masks_per_block < 0) {
    refuse(op, "min_num_masks_per_block = ", options.min_num_masks_per_block, " is negative");
  }
  if (max_per_block < options.min_num_masks_per_block) {
    refuse(op, "max_num_masks_per_block = ", max_per_block,
           options.max_num_masks_per_block ? "" : " (num_masks)",
           " is less than min_num_masks_per_block = ", options.min_num_masks_per_block);
  }
  detail::check_aspects(op, options.min_block_aspect_ratio, max_aspect);
  if (options.max_attempts_per_block < 1) {
    refuse(op, "max_attempts_per_block = ", options.max_attempts_per_block, " must be at least 1");
  }

  const double log_min_aspect = std::log(options.min_block_aspect_ratio);
  const double log_max_aspect = std::log(max_aspect);
  Tensor<bool, 2> mask({height, width}, false);

  // Masks one more rectangle with at most `room` new patches; returns how many were new.
  const auto add_block = [&](Index room) -> Index {
    for (Index attempt = 0; attempt < options.max_attempts_per_block; ++attempt) {
      const double area =
          generator.uniform(static_cast<double>(options.min_num_masks_per_block),
                            static_cast<double>(room));  // the bounds may be in either order
      const double aspect = std::exp(generator.uniform(log_min_aspect, log_max_aspect));
      const Index block_height = detail::round_half_even(std::sqrt(area * aspect));
      const Index block_width = detail::round_half_even(std::sqrt(area / aspect));
      if (block_height >= height || block_width >= width) continue;
      const Index top = generator.randint(0, height - block_height);
      const Index left = generator.randint(0, width - block_width);
      Index fresh = 0;
      for (Index row = top; row < top + block_height; ++row) {
        fresh += std::count(mask.row(row) + left, mask.row(row) + left + block_width, false);
      }
      if (fresh == 0 || fresh > room) continue;
      for (Index row = top; row < top + block_height; ++row) {
        std::fill_n(mask.row(row) + left, block_width, true);
      }
      return fresh;
    }
    return 0;
  };

  for (Index left = num_masks; left > 0;) {
    const Index fresh = add_block(std::min(left, max_per_block));
    if (fresh == 0) break;
    left -= fresh;
  }
  return mask;
}

struct RandomBlockMaskOptions {
  double batch_mask_ratio = 0.5;      ///< of the images are masked at all
  double min_image_mask_ratio = 0.1;  ///< of the patches of a masked image; may come out lower
  double max_image_mask_ratio = 0.5;
  BlockMaskOptions block = {};
};

namespace detail {

/// Value i of torch.linspace(low, high, steps + 1), which is computed in float from both ends.
inline double linspace_edge(double low, double high, Index steps, Index i) {
  const auto first = static_cast<float>(low);
  const auto last = static_cast<float>(high);
  const float step = (last - first) / static_cast<float>(steps);
  const bool lower_half = i < (steps + 1) / 2;
  return lower_half ? std::fma(step, static_cast<float>(i), first)
                    : std::fma(-step, static_cast<float>(steps - i), last);
}

}  // namespace detail

/// size {batch, height, width} -> [B, H, W], true where a patch is masked. int(B * batch ratio)
/// images, at random places of the batch, get random_block_mask_image with a patch count spread
/// evenly between the image ratios. lightly's random_block_mask. Throws std::invalid_argument for
/// an empty size, ratios outside [0, 1] or out of order, or a smallest count,
/// int(H * W * min_image_mask_ratio), below min_num_masks_per_block: lightly fails there too, but
/// only when it happens to draw such a count.
inline Tensor<bool, 3> random_block_mask(const Shape<3>& size,
                                         const RandomBlockMaskOptions& options,
                                         PythonGenerator& generator) {
  constexpr std::string_view op = "random_block_mask";
  const auto [batch, height, width] = size;
  const Index patches = height * width;
  const double low = options.min_image_mask_ratio;
  const double high = options.max_image_mask_ratio;
  detail::check_mask_size(op, size);
  detail::check_ratio(op, "batch_mask_ratio", options.batch_mask_ratio);
  detail::check_ratio(op, "min_image_mask_ratio", low);
  detail::check_ratio(op, "max_image_mask_ratio", high);
  if (!(low <= high)) {
    refuse(op, "min_image_mask_ratio = ", low, " exceeds max_image_mask_ratio = ", high);
  }
  const Index images = detail::masked_count(batch, options.batch_mask_ratio);
  const Index fewest =
      images == 0 ? 0 : detail::masked_count(patches, detail::linspace_edge(low, high, images, 0));
  if (images != 0 && !options.block.max_num_masks_per_block &&
      fewest < options.block.min_num_masks_per_block) {
    refuse(op, "min_image_mask_ratio = ", low, " of the grid ", Size{height, width}, " is ", fewest,
           " patches, less than min_num_masks_per_block = ", options.block.min_num_masks_per_block);
  }

  PythonGenerator draft = generator;  // an error leaves the caller's generator as it was
  std::vector<Tensor<bool, 2>> masks;
  masks.reserve(static_cast<std::size_t>(batch));
  for (Index i = 0; i < images; ++i) {
    const double ratio = draft.uniform(detail::linspace_edge(low, high, images, i),
                                       detail::linspace_edge(low, high, images, i + 1));
    masks.push_back(random_block_mask_image({height, width}, detail::masked_count(patches, ratio),
                                            options.block, draft));
  }
  masks.resize(static_cast<std::size_t>(batch), Tensor<bool, 2>({height, width}, false));
  draft.shuffle(masks);
  generator = draft;

  auto result = Tensor<bool, 3>::empty(size);
  bool* next = result.data();
  for (const Tensor<bool, 2>& mask : masks) next = std::copy(mask.begin(), mask.end(), next);
  return result;
}

}  // namespace tessera
