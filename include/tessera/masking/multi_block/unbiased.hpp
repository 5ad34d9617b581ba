#pragma once

#include <algorithm>
#include <cmath>
#include <utility>

#include "tessera/masking/multi_block/layout.hpp"
#include "tessera/masking/multi_block/reference.hpp"

namespace tessera::detail {

inline constexpr Index layout_trials = 1024;

/// Context left in layout_trials layouts of the least favorable blocks: the largest targets and
/// the smallest contexts. One ascending list per pair of shapes. Depends on the config alone.
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

/// The context length of the unbiased mode: what 95 % of the least favorable layouts have, but
/// more than min_keep, or what the config asks for. A layout with less is drawn again, so one in
/// ten must have it: otherwise throws.
inline Index fixed_context_length(const MultiBlockMaskConfig& config) {
  constexpr std::string_view op = "MultiBlockMaskSampler";
  const Size grid = config.grid();
  const Size smallest_target =
      extreme_blocks(possible_blocks(grid, config.pred_mask_scale, config.aspect_ratio), false)[0];
  if (smallest_target.count() <= config.min_keep) {
    refuse(op, "no valid target mask: blocks may have ", smallest_target, " patches (",
           described(config), ")");
  }

  const std::vector<std::vector<Index>> lists = least_contexts(config);
  Index length = grid.count();
  for (const std::vector<Index>& counts : lists)
    length = std::min(length, counts[counts.size() / 20]);
  length = config.context_length.value_or(std::max(length, config.min_keep + 1));
  for (const std::vector<Index>& counts : lists) {
    const Index enough = counts.end() - std::lower_bound(counts.begin(), counts.end(), length);
    if (10 * enough < layout_trials) {
      refuse(op, "no valid context mask: ", enough, " of ", layout_trials, " layouts leave ",
             length, " context tokens (", described(config), ")");
    }
  }
  return length;
}

/// Drops cells at random until `count` are left, by exponential clocks: a cell of greater `haste`
/// is more likely to go.
inline void drop_surplus(std::vector<Index>& cells, Index count, const std::vector<double>& haste,
                         Generator& generator) {
  if (static_cast<Index>(cells.size()) == count) return;
  std::vector<std::pair<double, Index>> clocks;
  for (const Index cell : cells) {
    const double wait = -std::log1p(-generator.uniform<double>());
    clocks.emplace_back(wait * haste[static_cast<std::size_t>(cell)], cell);
  }
  std::sort(clocks.begin(), clocks.end());
  cells.clear();
  for (Index i = 0; i < count; ++i) cells.push_back(clocks[static_cast<std::size_t>(i)].second);
  std::sort(cells.begin(), cells.end());
}

/// Numbers that the unbiased mode derives from its config, once.
struct UnbiasedPlan {
  Index context_length = 0;
  std::vector<double> line_haste;  // per cell: how much its row and column have too much
};

/// A layout that leaves every context enough. Throws after 1000 tries; one in ten or better
/// succeeds, see fixed_context_length.
inline BlockLayout draw_valid_layout(const MultiBlockMaskConfig& config, const BlockSizes& sizes,
                                     Index context_length, Generator& generator) {
  constexpr int max_tries = 1000;
  for (int tries = 0; tries < max_tries; ++tries) {
    BlockLayout layout = draw_layout(config, sizes.target, sizes.context, generator);
    if (layout.least_context() >= context_length) return layout;
  }
  refuse("MultiBlockMaskSampler", "no layout with ", context_length, " context tokens in ",
         max_tries, " tries (", described(config), ")");
}

/// The readiness with which each cell is dropped. One that is often available goes more often, by
/// the square of its chance, because what is left varies from image to image; dropping all alike
/// would leave the borders, which targets rarely reach, with more than twice the context of the
/// middle. What rows and columns then still have too much is plan.line_haste.
inline std::vector<double> cell_haste(const MultiBlockMaskConfig& config, const UnbiasedPlan& plan,
                                      const BlockSizes& sizes) {
  const std::vector<double> chances = availability(config, sizes.target, sizes.context);
  std::vector<double> haste = plan.line_haste;
  for (std::size_t cell = 0; cell < haste.size(); ++cell) {
    haste[cell] *= chances[cell] * chances[cell];
  }
  return haste;
}

/// Finds line_haste by drawing: in each round, lines that had more than their share get hastier.
/// Depends on the config alone. Throws as fixed_context_length.
inline UnbiasedPlan make_unbiased_plan(const MultiBlockMaskConfig& config) {
  constexpr int rounds = 8;
  constexpr Index trials = 512;
  const Size grid = config.grid();
  UnbiasedPlan plan{fixed_context_length(config),
                    std::vector<double>(static_cast<std::size_t>(grid.count()), 1.0)};
  const double kept =
      static_cast<double>(plan.context_length) * static_cast<double>(trials * config.nenc);
  for (int round = 0; round < rounds; ++round) {
    Generator generator(0);
    std::vector<double> in_row(static_cast<std::size_t>(grid.height));
    std::vector<double> in_column(static_cast<std::size_t>(grid.width));
    for (Index trial = 0; trial < trials; ++trial) {
      const BlockSizes sizes = draw_block_sizes(config, generator);
      BlockLayout layout = draw_valid_layout(config, sizes, plan.context_length, generator);
      const std::vector<double> haste = cell_haste(config, plan, sizes);
      for (std::vector<Index>& context : layout.context) {
        drop_surplus(context, plan.context_length, haste, generator);
        for (const Index cell : context) {
          in_row[static_cast<std::size_t>(cell / grid.width)] += 1;
          in_column[static_cast<std::size_t>(cell % grid.width)] += 1;
        }
      }
    }
    // A line and its mirror image fare alike, so both are counted.
    const auto excess = [kept](const std::vector<double>& counts, Index line) {
      const auto at = static_cast<std::size_t>(line);
      const double both = counts[at] + counts[counts.size() - 1 - at];
      return (1 + both / 2) * static_cast<double>(counts.size()) / kept;
    };
    for (Index cell = 0; cell < grid.count(); ++cell) {
      plan.line_haste[static_cast<std::size_t>(cell)] *=
          excess(in_row, cell / grid.width) * excess(in_column, cell % grid.width);
    }
  }
  return plan;
}

struct UnbiasedSample {
  MaskCells context;
  MaskCells target;
};

/// Sizes from Generator(step); then image after image, each from its own draws only, so that an
/// image's masks do not depend on the rest of the batch.
inline UnbiasedSample sample_unbiased_blocks(const MultiBlockMaskConfig& config,
                                             const UnbiasedPlan& plan, Index batch,
                                             std::uint64_t step, Generator& generator) {
  const Index grid_width = config.grid().width;
  Generator of_sizes(step);
  const BlockSizes sizes = draw_block_sizes(config, of_sizes);
  const std::vector<double> haste = cell_haste(config, plan, sizes);
  Generator draft = generator;  // an error leaves the caller's generator as it was
  UnbiasedSample sample{MaskCells(static_cast<std::size_t>(config.nenc)),
                        MaskCells(static_cast<std::size_t>(config.npred))};
  for (Index image = 0; image < batch; ++image) {
    BlockLayout layout = draw_valid_layout(config, sizes, plan.context_length, draft);
    for (std::size_t i = 0; i < sample.target.size(); ++i) {
      sample.target[i].push_back(free_cells(layout.targets[i], {}, 0, grid_width));
    }
    for (std::size_t i = 0; i < sample.context.size(); ++i) {
      drop_surplus(layout.context[i], plan.context_length, haste, draft);
      sample.context[i].push_back(std::move(layout.context[i]));
    }
  }
  generator = draft;
  return sample;
}

}  // namespace tessera::detail
