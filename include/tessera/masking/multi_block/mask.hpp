#pragma once

#include "tessera/masking/multi_block/config.hpp"
#include "tessera/masking/multi_block/reference.hpp"
#include "tessera/masking/multi_block/unbiased.hpp"
#include "tessera/masking/token_index.hpp"

namespace tessera {

/// Masks of one batch. Entries are patches (no prefix tokens), ascending in each row.
struct MultiBlockMasks {
  std::vector<TokenIndex> masks_context;  ///< nenc of [B, Kc]: what the context encoder sees
  std::vector<TokenIndex> masks_target;   ///< npred of [B, Kt]: what the predictor predicts
  Index relaxed_masks = 0;  ///< context masks for which the reference mode allowed overlap
};

/// Context and target blocks for I-JEPA (arXiv 2301.08243, section 3). Immutable: all that changes
/// from call to call is an argument, so a run is resumed by its step and its generator.
///
/// Both modes draw one size for all target blocks and one for all context blocks of a call, from
/// Generator(step), so that processes with different generators agree on shapes; and the places per
/// image, from `generator`. Target blocks may overlap one another.
///
/// `reference` gives the masks of the published collator for the same seeds. Its habits: the last
/// row and column are in no mask; contexts are cut, bottom first, to the shortest one of the batch;
/// a context that stays too small may overlap targets (relaxed_masks counts those).
///
/// `unbiased` places blocks everywhere, draws scale and aspect ratio apart, and gives every context
/// context_length() tokens: a number that follows from the config alone, the 5 % quantile of what
/// the largest targets leave of the smallest context block. An image with less is placed anew;
/// surplus is dropped at random, so that all rows and columns are covered about alike; how, is
/// found when the sampler is made (in 60 ms for 14 x 14 patches). Context and targets never overlap
/// unless allow_overlap is set.
class MultiBlockMaskSampler {
 public:
  /// Throws std::invalid_argument for values out of range, an image that patches do not tile, or
  /// (unbiased mode) if the grid and scales leave no valid mask.
  explicit MultiBlockMaskSampler(const MultiBlockMaskConfig& config) : config_(checked(config)) {
    if (config.mode == MultiBlockMode::unbiased) plan_ = detail::make_unbiased_plan(config);
  }

  const MultiBlockMaskConfig& config() const { return config_; }

  /// Tokens in every context mask of the unbiased mode; 0 in the reference mode, where it varies.
  Index context_length() const { return plan_.context_length; }

  /// `step` counts the calls from 0. Throws std::invalid_argument for an empty batch, (reference
  /// mode) if the blocks of this step are not larger than min_keep, where the published collator
  /// never returns, or (unbiased mode) if 1000 layouts leave no context long enough. On error the
  /// generator is unchanged.
  MultiBlockMasks sample(Index batch, std::uint64_t step, Generator& generator) const {
    if (batch < 1) refuse("MultiBlockMaskSampler", "batch = ", batch, " must be at least 1");
    if (config_.mode == MultiBlockMode::reference) {
      const auto drawn = detail::sample_reference_blocks(config_, batch, step, generator);
      return {indices(drawn.context), indices(drawn.target), drawn.relaxed_masks};
    }
    const auto drawn = detail::sample_unbiased_blocks(config_, plan_, batch, step, generator);
    return {indices(drawn.context), indices(drawn.target), 0};
  }

 private:
  static const MultiBlockMaskConfig& checked(const MultiBlockMaskConfig& config) {
    detail::check_multi_block_config("MultiBlockMaskSampler", config);
    return config;
  }

  static std::vector<TokenIndex> indices(const detail::MaskCells& masks) {
    std::vector<TokenIndex> result;
    for (const auto& images : masks) {
      const auto length = static_cast<Index>(images.front().size());
      result.push_back(TokenIndex::empty({static_cast<Index>(images.size()), length}));
      Index* next = result.back().data();
      for (const std::vector<Index>& cells : images) {
        next = std::copy(cells.begin(), cells.end(), next);
      }
    }
    return result;
  }

  MultiBlockMaskConfig config_;
  detail::UnbiasedPlan plan_;
};

}  // namespace tessera
