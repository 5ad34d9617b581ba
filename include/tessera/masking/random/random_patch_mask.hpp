#pragma once

#include <cmath>

#include "tessera/core/random/distributions.hpp"
#include "tessera/masking/keep_mask.hpp"
#include "tessera/masking/mask_checks.hpp"

namespace tessera {

/// Masking of patches as the published MAE code keeps it. No prefix tokens in any index.
struct PatchMask {
  TokenIndex idx_keep;     ///< [B, kept] visible patches, in random order
  TokenIndex idx_mask;     ///< [B, N - kept] removed patches, in random order
  TokenIndex ids_restore;  ///< [B, N] place of each patch in [idx_keep, idx_mask]
  TokenMask mask;          ///< [B, N] true where a patch is removed
};

/// noise [B, N] -> the int(N * (1 - ratio)) patches of least noise are kept. Throws
/// std::invalid_argument for an empty or not finite noise, or a ratio outside [0, 1].
template <std::floating_point Scalar>
PatchMask patch_mask_from_noise(const Tensor<Scalar, 2>& noise, double mask_ratio) {
  constexpr std::string_view op = "patch_mask_from_noise";
  detail::check_mask_size(op, noise.shape());
  detail::check_ratio(op, "mask_ratio", mask_ratio);
  for (Index i = 0; i < noise.size(); ++i) {
    if (!std::isfinite(noise.data()[i])) {
      refuse(op, "noise(", i / noise.dim(1), ", ", i % noise.dim(1), ") = ", noise.data()[i],
             " is not finite");
    }
  }
  const TokenIndex order = detail::argsort(noise);
  const Index kept = detail::kept_count(noise.dim(1), mask_ratio);
  KeepMask parts = detail::split_columns(order, kept);
  PatchMask result{std::move(parts.idx_keep), std::move(parts.idx_mask),
                   TokenIndex::empty(noise.shape()), TokenMask::empty(noise.shape())};
  for (Index b = 0; b < noise.dim(0); ++b) {
    for (Index place = 0; place < noise.dim(1); ++place) {
      result.ids_restore(b, order(b, place)) = place;
      result.mask(b, order(b, place)) = place >= kept;
    }
  }
  return result;
}

struct RandomPatchMaskOptions {
  double mask_ratio = 0.75;
};

/// size {batch, patches}; random_masking of the published MAE code (arXiv 2111.06377). Throws
/// std::invalid_argument for an empty size or a ratio outside [0, 1].
inline PatchMask random_patch_mask(const Shape<2>& size, const RandomPatchMaskOptions& options,
                                   Generator& generator) {
  constexpr std::string_view op = "random_patch_mask";
  detail::check_mask_size(op, size);
  detail::check_ratio(op, "mask_ratio", options.mask_ratio);
  return patch_mask_from_noise(rand<float>(size, generator), options.mask_ratio);
}

/// The split of the patches as one of the full sequence: the prefix tokens first in idx_keep,
/// patches moved behind them. Throws std::invalid_argument if num_prefix_tokens is negative.
inline KeepMask to_keep_mask(const PatchMask& patches, Index num_prefix_tokens) {
  if (num_prefix_tokens < 0) {
    refuse("to_keep_mask", "num_prefix_tokens = ", num_prefix_tokens, " is negative");
  }
  const Index batch = patches.idx_keep.dim(0);
  const Index kept = patches.idx_keep.dim(1);
  KeepMask tokens{TokenIndex::empty({batch, num_prefix_tokens + kept}), patches.idx_mask};
  for (Index b = 0; b < batch; ++b) {
    Index* row = tokens.idx_keep.row(b);
    std::iota(row, row + num_prefix_tokens, Index{0});
    for (Index k = 0; k < kept; ++k) {
      row[num_prefix_tokens + k] = patches.idx_keep(b, k) + num_prefix_tokens;
    }
  }
  for (Index& token : tokens.idx_mask) token += num_prefix_tokens;
  return tokens;
}

}  // namespace tessera
