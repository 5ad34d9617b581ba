#pragma once

#include <algorithm>
#include <cmath>
#include <tuple>
#include <utility>

#include "tessera/masking/block.hpp"
#include "tessera/masking/multi_block_config.hpp"
#include "tessera/masking/multi_block_reference.hpp"

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

inline constexpr Index layout_trials = 1024;

/// Context left in layout_trials layouts of the least favourable blocks: the largest targets and
/// the smallest contexts. One ascending list per pair of shapes. The same for the same config.
inline std::vector<std::vector<Index>> least_contexts(const MultiBlockMaskConfig& config) {
  const Size grid = config.grid();
  const auto targets =
      extreme_blocks(possible_blocks(grid, config.pred_mask_scale, config.aspect_ratio), true);
  const auto contexts =
      extreme_blocks(possible_blocks(grid, config.enc_mask_scale, {1.0, 1.0}), false);
  std::vector<std::vector<Index>> lists;
  for (const Size& target : targets) {
    for (const Size& context : contexts) {
      Generator generator(0);
      std::vector<Index>& counts = lists.emplace_back();
      for (Index trial = 0; trial < layout_trials; ++trial) {
        counts.push_back(draw_layout(config, target, context, generator).least_context());
      }
      std::sort(counts.begin(), counts.end());
    }
  }
  return lists;
}

/// The context length of the unbiased mode: what 95 % of the least favourable layouts have, but
/// more than min_keep, or what the config asks for. A layout with less is drawn again, so one in
/// ten must have it: otherwise throws.
inline Index fixed_context_length(const MultiBlockMaskConfig& config) {
  constexpr std::string_view op = "MultiBlockMaskSampler";
  const Size grid = config.grid();
  const Size smallest_target =
      extreme_blocks(possible_blocks(grid, config.pred_mask_scale, config.aspect_ratio), false)[0];
  require(smallest_target.count() > config.min_keep, op, "no valid target mask: blocks may have ",
          smallest_target, " patches (", described(config), ")");

  const std::vector<std::vector<Index>> lists = least_contexts(config);
  Index length = grid.count();
  for (const std::vector<Index>& counts : lists)
    length = std::min(length, counts[counts.size() / 20]);
  length = config.context_length.value_or(std::max(length, config.min_keep + 1));
  for (const std::vector<Index>& counts : lists) {
    const Index enough = counts.end() - std::lower_bound(counts.begin(), counts.end(), length);
    require(10 * enough >= layout_trials, op, "no valid context mask: ", enough, " of ",
            layout_trials, " layouts leave ", length, " context tokens (", described(config), ")");
  }
  return length;
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

/// Drops cells at random until `count` are left, a cell that is often available more often, by
/// exponential clocks at the rate 1 / chance^2. Dropping all alike would leave the borders, which
/// targets rarely reach, with more than twice the context of the middle; the square, not the plain
/// chance, because what is left varies from image to image.
inline void drop_surplus(std::vector<Index>& cells, Index count, const std::vector<double>& chances,
                         Generator& generator) {
  if (static_cast<Index>(cells.size()) == count) return;
  std::vector<std::pair<double, Index>> clocks;
  for (const Index cell : cells) {
    const double wait = -std::log1p(-generator.uniform<double>());
    const double chance = chances[static_cast<std::size_t>(cell)];
    clocks.emplace_back(wait * chance * chance, cell);
  }
  std::sort(clocks.begin(), clocks.end());
  cells.clear();
  for (Index i = 0; i < count; ++i) cells.push_back(clocks[static_cast<std::size_t>(i)].second);
  std::sort(cells.begin(), cells.end());
}

struct UnbiasedSample {
  MaskCells context;
  MaskCells target;
};

/// Sizes from Generator(step), scale and aspect ratio drawn apart; then image after image, each
/// from its own draws only, so that an image's masks do not depend on the rest of the batch.
inline UnbiasedSample sample_unbiased_blocks(const MultiBlockMaskConfig& config,
                                             Index context_length, Index batch, std::uint64_t step,
                                             Generator& generator) {
  const Size grid = config.grid();
  Generator sizes(step);
  const auto draw_area = [&](const Interval& scale) {
    return masked_count(grid.count(), scale.at(sizes.uniform<double>()));
  };
  const Index target_area = draw_area(config.pred_mask_scale);
  const double aspect = config.aspect_ratio.at(sizes.uniform<double>());
  const Size target = fitted_block(grid, target_area, block_height(target_area, aspect));
  const Index context_area = draw_area(config.enc_mask_scale);
  const Size context = fitted_block(grid, context_area, block_height(context_area, 1.0));
  const std::vector<double> chances = availability(config, target, context);

  constexpr int max_tries = 1000;  // one in ten or better succeeds: see fixed_context_length
  Generator draft = generator;     // an error leaves the caller's generator as it was
  UnbiasedSample sample{MaskCells(static_cast<std::size_t>(config.nenc)),
                        MaskCells(static_cast<std::size_t>(config.npred))};
  for (Index image = 0; image < batch; ++image) {
    BlockLayout layout = draw_layout(config, target, context, draft);
    for (int tries = 1; layout.least_context() < context_length; ++tries) {
      require(tries < max_tries, "MultiBlockMaskSampler", "no layout with ", context_length,
              " context tokens in ", max_tries, " tries (", described(config), ")");
      layout = draw_layout(config, target, context, draft);
    }
    for (std::size_t i = 0; i < sample.target.size(); ++i) {
      sample.target[i].push_back(free_cells(layout.targets[i], {}, 0, grid.width));
    }
    for (std::size_t i = 0; i < sample.context.size(); ++i) {
      drop_surplus(layout.context[i], context_length, chances, draft);
      sample.context[i].push_back(std::move(layout.context[i]));
    }
  }
  generator = draft;
  return sample;
}

}  // namespace tessera::detail
