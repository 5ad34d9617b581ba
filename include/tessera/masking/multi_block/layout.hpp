#pragma once

#include <algorithm>
#include <cmath>
#include <tuple>

#include "tessera/masking/block.hpp"
#include "tessera/masking/multi_block/config.hpp"

namespace tessera::detail {

/// The block of about `area` patches with a height near `height` that fits the grid: what one side
/// cannot take goes to the other.
inline Size fitted_block(const Size& grid, Index area, Index height) {
  const auto other_side = [area](Index side) {
    return round_half_even(static_cast<double>(area) / static_cast<double>(side));
  };
  const Index rows = std::clamp<Index>(height, 1, grid.height);
  const Index columns = other_side(rows);
  if (columns <= grid.width) return {rows, std::max<Index>(columns, 1)};
  return {std::clamp<Index>(other_side(grid.width), 1, grid.height), grid.width};
}

inline Index block_height(Index area, double aspect) {
  return round_half_even(std::sqrt(static_cast<double>(area) * aspect));
}

/// Every block size that the scale and the aspect ratio can give.
inline std::vector<Size> possible_blocks(const Size& grid, const Interval& scale,
                                         const Interval& aspect_ratio) {
  const Index cells = grid.count();
  std::vector<Size> blocks;
  for (Index area = masked_count(cells, scale.low); area <= masked_count(cells, scale.high);
       ++area) {
    const Index tallest = std::min(grid.height, block_height(area, aspect_ratio.high));
    Index height = std::min(tallest, block_height(area, aspect_ratio.low));
    for (; height <= tallest; ++height) blocks.push_back(fitted_block(grid, area, height));
  }
  std::sort(blocks.begin(), blocks.end(), [](const Size& a, const Size& b) {
    return std::tie(a.height, a.width) < std::tie(b.height, b.width);
  });
  blocks.erase(std::unique(blocks.begin(), blocks.end()), blocks.end());
  return blocks;
}

/// Of `blocks`, those of the smallest (or largest) area.
inline std::vector<Size> extreme_blocks(std::vector<Size> blocks, bool largest) {
  Index extreme = blocks.front().count();
  for (const Size& block : blocks) {
    extreme = largest ? std::max(extreme, block.count()) : std::min(extreme, block.count());
  }
  std::erase_if(blocks, [&](const Size& block) { return block.count() != extreme; });
  return blocks;
}

/// All places of a block, the last row and column included.
inline Size all_places(const Size& grid, const Size& block) {
  return {grid.height - block.height + 1, grid.width - block.width + 1};
}

/// Blocks of one image, placed independently, and what each context block has left.
struct BlockLayout {
  std::vector<Block> targets;
  std::vector<std::vector<Index>> context;

  Index least_context() const {
    std::size_t least = context.front().size();
    for (const std::vector<Index>& cells : context) least = std::min(least, cells.size());
    return static_cast<Index>(least);
  }
};

inline BlockLayout draw_layout(const MultiBlockMaskConfig& config, const Size& target,
                               const Size& context, Generator& generator) {
  const Size grid = config.grid();
  BlockLayout layout;
  for (Index i = 0; i < config.npred; ++i) {
    layout.targets.push_back(place_block(target, all_places(grid, target), generator));
  }
  for (Index i = 0; i < config.nenc; ++i) {
    const Block block = place_block(context, all_places(grid, context), generator);
    layout.context.push_back(free_cells(
        block, layout.targets, config.allow_overlap ? 0 : layout.targets.size(), grid.width));
  }
  return layout;
}

struct BlockSizes {
  Size target;
  Size context;
};

/// Scale and aspect ratio drawn apart.
inline BlockSizes draw_block_sizes(const MultiBlockMaskConfig& config, Generator& generator) {
  const Size grid = config.grid();
  const auto draw_area = [&](const Interval& scale) {
    return masked_count(grid.count(), scale.at(generator.uniform<double>()));
  };
  const Index target = draw_area(config.pred_mask_scale);
  const double aspect = config.aspect_ratio.at(generator.uniform<double>());
  const Index context = draw_area(config.enc_mask_scale);
  return {fitted_block(grid, target, block_height(target, aspect)),
          fitted_block(grid, context, block_height(context, 1.0))};
}

/// P(a block of `size` at a random place covers `position`) along an axis.
inline double coverage(Index position, Index size, Index extent) {
  const Index first = std::max<Index>(0, position - size + 1);
  const Index last = std::min(position, extent - size);
  return static_cast<double>(last - first + 1) / static_cast<double>(extent - size + 1);
}

/// P(a cell is left to a context mask), per cell.
inline std::vector<double> availability(const MultiBlockMaskConfig& config, const Size& target,
                                        const Size& context) {
  const Size grid = config.grid();
  const auto covered = [&](const Size& block, Index row, Index column) {
    return coverage(row, block.height, grid.height) * coverage(column, block.width, grid.width);
  };
  std::vector<double> chances;
  for (Index row = 0; row < grid.height; ++row) {
    for (Index column = 0; column < grid.width; ++column) {
      double chance = covered(context, row, column);
      for (Index i = 0; i < config.npred && !config.allow_overlap; ++i) {
        chance *= 1.0 - covered(target, row, column);
      }
      chances.push_back(chance);
    }
  }
  return chances;
}

}  // namespace tessera::detail
