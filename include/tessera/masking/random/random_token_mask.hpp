#pragma once

#include "tessera/core/random/distributions.hpp"
#include "tessera/masking/keep_mask.hpp"
#include "tessera/masking/mask_checks.hpp"

namespace tessera {

struct RandomTokenMaskOptions {
  double mask_ratio = 0.6;      ///< of the tokens behind the prefix
  Index num_prefix_tokens = 1;  ///< never masked, first in idx_keep; 0: lightly's mask_class_token
};

/// size {batch, length} -> idx_keep [B, P + int((L - P) * (1 - ratio))] and the others, both in
/// random order. lightly's random_token_mask; the MAE paper's masking (arXiv 2111.06377). A length
/// of 0 gives empty rows. Throws std::invalid_argument for an empty batch, a ratio outside [0, 1]
/// or more prefix tokens than tokens.
inline KeepMask random_token_mask(const Shape<2>& size, const RandomTokenMaskOptions& options,
                                  Generator& generator) {
  constexpr std::string_view op = "random_token_mask";
  const Index length = size[1];
  if (size[0] < 1 || length < 0) refuse(op, "size ", size, " must have at least one image");
  detail::check_ratio(op, "mask_ratio", options.mask_ratio);
  if (options.num_prefix_tokens < 0 || (options.num_prefix_tokens > length && length != 0)) {
    refuse(op, "num_prefix_tokens = ", options.num_prefix_tokens, " is outside [0, ", length, "]");
  }
  const Index prefix = std::min(options.num_prefix_tokens, length);

  Tensor<float, 2> noise = rand<float>(size, generator);
  for (Index b = 0; b < size[0]; ++b) std::fill_n(noise.row(b), prefix, -1.0F);
  const Index kept = prefix + detail::kept_count(length - prefix, options.mask_ratio);
  return detail::split_columns(detail::argsort(noise), kept);
}

}  // namespace tessera
