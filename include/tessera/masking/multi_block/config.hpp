#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "tessera/core/size.hpp"
#include "tessera/masking/interval.hpp"
#include "tessera/masking/mask_checks.hpp"
#include "tessera/masking/patch_grid.hpp"

namespace tessera {

enum class MultiBlockMode {
  reference,  ///< the published collator, bit for bit, with what is odd about it
  unbiased,   ///< every row and column alike, one context length, no overlap unless asked for
};

/// Defaults are those of all published I-JEPA trainings, for 224 pixels and patches of 16. The keys
/// are the published collator's, which calls contexts "enc" and targets "pred".
struct MultiBlockMaskConfig {
  Size image_size = {224, 224};  ///< in pixels
  Index patch_size = 16;
  Interval enc_mask_scale = {0.85, 1.0};   ///< area of a context block, of the grid
  Interval pred_mask_scale = {0.15, 0.2};  ///< area of a target block, of the grid
  Interval aspect_ratio = {0.75, 1.5};     ///< height / width of a target block
  Index nenc = 1;                          ///< context masks per image
  Index npred = 4;                         ///< target masks per image
  Index min_keep = 10;                     ///< every mask has more tokens than this
  bool allow_overlap = false;              ///< context may contain target tokens
  MultiBlockMode mode = MultiBlockMode::unbiased;
  std::optional<Index> context_length =
      {};  ///< unbiased mode only; chosen by the sampler unless given

  /// In patches. Throws std::invalid_argument unless the patches cover the image.
  Size grid() const { return patch_grid("MultiBlockMaskConfig", image_size, patch_size); }
};

namespace detail {

inline std::string described(const MultiBlockMaskConfig& config) {
  return concat("grid ", config.grid(), ", enc_mask_scale ", config.enc_mask_scale,
                ", pred_mask_scale ", config.pred_mask_scale, ", aspect_ratio ",
                config.aspect_ratio, ", npred ", config.npred, ", min_keep ", config.min_keep);
}

inline void check_multi_block_config(std::string_view op, const MultiBlockMaskConfig& config) {
  patch_grid(op, config.image_size, config.patch_size);
  check_interval(op, "enc_mask_scale", config.enc_mask_scale, 0.0, 1.0);
  check_interval(op, "pred_mask_scale", config.pred_mask_scale, 0.0, 1.0);
  check_aspects(op, config.aspect_ratio.low, config.aspect_ratio.high);
  constexpr Index most = 1 << 16;
  if (config.nenc < 1 || config.nenc > most) {
    refuse(op, "nenc = ", config.nenc, " must be at least 1 and at most ", most);
  }
  if (config.npred < 1 || config.npred > most) {
    refuse(op, "npred = ", config.npred, " must be at least 1 and at most ", most);
  }
  if (config.min_keep < 0) refuse(op, "min_keep = ", config.min_keep, " is negative");
  if (config.context_length) {
    if (config.mode != MultiBlockMode::unbiased) {
      refuse(op, "context_length = ", *config.context_length,
             " needs the unbiased mode; the reference cuts to what a batch ", "happens to have");
    }
    if (*config.context_length <= config.min_keep) {
      refuse(op, "context_length = ", *config.context_length,
             " must be more than min_keep = ", config.min_keep);
    }
  }
}

}  // namespace detail
}  // namespace tessera
