#pragma once

#include <compare>
#include <cstdint>

#include "tessera/core/random/distributions.hpp"
#include "tessera/core/tensor.hpp"
#include "tessera/data/hash.hpp"

namespace tessera::data {

/// Where in a run a batch stands. These two numbers are all the state that reading data has: to go
/// on after a stop is to ask for the batch at the saved place.
struct BatchPlace {
  Index epoch = 0;
  Index batch = 0;  ///< within the epoch

  friend auto operator<=>(const BatchPlace&, const BatchPlace&) = default;
};

/// The order of `count` samples in an epoch, [count]: torch's randperm under seed + epoch, as
/// torch.utils.data.DistributedSampler has it. Batch b of size B is the samples [b B, (b + 1) B) of
/// it. W ranks of DistributedSampler see the same set of samples in step b, each its share.
inline Tensor<Index, 1> epoch_order(Index count, std::uint64_t seed, Index epoch) {
  Generator generator(seed + static_cast<std::uint64_t>(epoch));
  return randperm(count, generator);
}

/// The random numbers of the sample at a position of an epoch: a generator of its own, so that its
/// augmentation depends neither on who reads it nor on what was read before. torch seeds a
/// generator by 32 bits: two of the samples of a long run may share them, which does no harm.
inline Generator sample_generator(std::uint64_t seed, Index epoch, Index position) {
  return Generator(
      hash_of({seed, static_cast<std::uint64_t>(epoch), static_cast<std::uint64_t>(position)}));
}

}  // namespace tessera::data
