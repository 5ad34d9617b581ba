#pragma once

#include <compare>
#include <cstdint>
#include <initializer_list>

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

/// The purposes that a run draws random numbers for. Each has streams of its own, so that the crop
/// of a sample and the masks of a step never are the same draws.
enum class Stream : std::uint64_t { first_weights = 1, sample, stand_in, masks, tape };

/// The random numbers of one thing in a run, a sample or a step: a generator of its own, so that it
/// depends neither on who draws nor on what was drawn before. `places` say which thing. torch seeds
/// a generator by 32 bits: two things of a long run may share them, which does no harm.
inline Generator generator_of(Stream stream, std::uint64_t seed,
                              std::initializer_list<Index> places) {
  std::uint64_t hash = hash_of({static_cast<std::uint64_t>(stream), seed});
  for (const Index place : places) hash = hash_of({hash, static_cast<std::uint64_t>(place)});
  return Generator(hash);
}

}  // namespace tessera::data
