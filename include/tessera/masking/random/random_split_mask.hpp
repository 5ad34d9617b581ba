#pragma once

#include "tessera/core/random/distributions.hpp"
#include "tessera/masking/interval.hpp"
#include "tessera/masking/keep_mask.hpp"
#include "tessera/masking/mask_checks.hpp"

namespace tessera {

struct RandomSplitMaskOptions {
  Interval mask_ratio = {0.4, 0.6};
};

/// size {batch, patches} -> idx_keep [B, int(N * (1 - ratio))], the context, and idx_mask, the
/// target, both in random order: the random masks of the published I-JEPA code. The ratio is drawn
/// from Generator(step), so that all processes agree on it; the patches from `generator`. Throws
/// std::invalid_argument for an empty size or ratios outside [0, 1] or out of order.
inline KeepMask random_split_mask(const Shape<2>& size, const RandomSplitMaskOptions& options,
                                  std::uint64_t step, Generator& generator) {
  constexpr std::string_view op = "random_split_mask";
  detail::check_mask_size(op, size);
  detail::check_interval(op, "mask_ratio", options.mask_ratio, 0.0, 1.0);
  const double ratio = options.mask_ratio.at(Generator(step).uniform<float>());
  TokenIndex order = TokenIndex::empty(size);
  for (Index b = 0; b < size[0]; ++b) {
    const Tensor<Index, 1> patches = randperm(size[1], generator);
    std::copy(patches.begin(), patches.end(), order.row(b));
  }
  return detail::split_columns(order, detail::kept_count(size[1], ratio));
}

}  // namespace tessera
