#pragma once

#include <algorithm>
#include <cmath>

#include "tessera/masking/block.hpp"
#include "tessera/masking/multi_block/config.hpp"

namespace tessera::detail {

/// Cells of every mask: cells[mask][image] is ascending.
using MaskCells = std::vector<std::vector<std::vector<Index>>>;

/// Scale and aspect ratio from one and the same uniform; a block never spans the grid.
inline Size reference_block_size(const Size& grid, const Interval& scale,
                                 const Interval& aspect_ratio, double unit) {
  const auto cells = static_cast<double>(grid.count());
  const double area = std::trunc(cells * scale.at(unit));
  const double aspect = aspect_ratio.at(unit);
  return {std::min(round_half_even(std::sqrt(area * aspect)), grid.height - 1),
          std::min(round_half_even(std::sqrt(area / aspect)), grid.width - 1)};
}

struct ReferenceSample {
  MaskCells context;
  MaskCells target;
  Index relaxed_masks = 0;
};

/// The collator of the published I-JEPA code: block sizes from Generator(step), places from
/// `generator`. A context mask that stays too small gives up one more target every 20 tries, last
/// one first. It tries for ever if even a whole block is too small: here that throws.
inline ReferenceSample sample_reference_blocks(const MultiBlockMaskConfig& config, Index batch,
                                               std::uint64_t step, Generator& generator) {
  constexpr std::string_view op = "MultiBlockMaskSampler";
  constexpr Index tries_per_target = 20;  // of the published code
  const Size grid = config.grid();
  Generator sizes(step);
  const Size target = reference_block_size(grid, config.pred_mask_scale, config.aspect_ratio,
                                           sizes.uniform<float>());
  const Size context =
      reference_block_size(grid, config.enc_mask_scale, {1.0, 1.0}, sizes.uniform<float>());
  if (target.count() <= config.min_keep) {
    refuse(op, "no valid target mask: step ", step, " has blocks of ", target, " patches (",
           described(config), ")");
  }
  if (context.count() <= config.min_keep) {
    refuse(op, "no valid context mask: step ", step, " has blocks of ", context, " patches (",
           described(config), ")");
  }

  // One place short on both axes: the reference never uses the last row and column.
  const Size target_places = {grid.height - target.height, grid.width - target.width};
  const Size context_places = {grid.height - context.height, grid.width - context.width};
  ReferenceSample sample{MaskCells(static_cast<std::size_t>(config.nenc)),
                         MaskCells(static_cast<std::size_t>(config.npred))};
  for (Index image = 0; image < batch; ++image) {
    std::vector<Block> targets;
    for (auto& masks : sample.target) {
      targets.push_back(place_block(target, target_places, generator));
      masks.push_back(free_cells(targets.back(), {}, 0, grid.width));
    }
    for (auto& masks : sample.context) {
      std::vector<Index> cells;
      Index failures = 0;
      for (;; ++failures) {
        const Index kept_targets =
            config.allow_overlap ? 0
                                 : std::max<Index>(config.npred - failures / tries_per_target, 0);
        cells = free_cells(place_block(context, context_places, generator), targets,
                           static_cast<std::size_t>(kept_targets), grid.width);
        if (static_cast<Index>(cells.size()) > config.min_keep) break;
      }
      if (failures >= tries_per_target) ++sample.relaxed_masks;
      masks.push_back(std::move(cells));
    }
  }
  // Cut to the shortest mask of the batch. Cells are in order, so this takes away the bottom of the
  // picture.
  std::size_t shortest = static_cast<std::size_t>(grid.count());
  for (const auto& masks : sample.context) {
    for (const auto& cells : masks) shortest = std::min(shortest, cells.size());
  }
  for (auto& masks : sample.context) {
    for (auto& cells : masks) cells.resize(shortest);
  }
  return sample;
}

}  // namespace tessera::detail
