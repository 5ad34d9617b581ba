#include "tessera/data/sample_order.hpp"

#include <string>

#include "support/catch.hpp"
#include "support/data/golden_augmentation.hpp"

namespace tessera::data::test {

TEST_CASE("the order of an epoch is DistributedSampler's for any number of ranks") {
  for (const Index epoch : {0, 1, 7}) {
    const Tensor<Index, 1> order = epoch_order(40, 11, epoch);
    for (const int ranks : {1, 2, 4}) {
      // The places of all ranks side by side: step s of W ranks has the next W entries.
      const std::string name = "order." + std::to_string(epoch) + "." + std::to_string(ranks);
      const auto expected = golden_augmentation().read<std::int64_t, 1>(name);
      CAPTURE(name);
      CHECK(std::equal(order.begin(), order.end(), expected.begin(), expected.end()));
    }
  }
}

TEST_CASE("each thing in a run has its own random numbers") {
  const auto first_of = [](Stream stream, std::uint64_t seed, std::initializer_list<Index> places) {
    return generator_of(stream, seed, places)();
  };
  CHECK(generator_of(Stream::sample, 1, {2, 3}) == generator_of(Stream::sample, 1, {2, 3}));
  const std::uint32_t first = first_of(Stream::sample, 1, {2, 3});
  CHECK(first != first_of(Stream::sample, 2, {2, 3}));
  CHECK(first != first_of(Stream::sample, 1, {3, 3}));
  CHECK(first != first_of(Stream::sample, 1, {2, 4}));
  CHECK(first != first_of(Stream::sample, 1, {2, 3, 0}));
  for (const Stream other :
       {Stream::first_weights, Stream::stand_in, Stream::masks, Stream::tape}) {
    CHECK(first != first_of(other, 1, {2, 3}));
  }
}

TEST_CASE("places are ordered by epoch, then batch") {
  CHECK(BatchPlace{1, 5} < BatchPlace{2, 0});
  CHECK(BatchPlace{1, 5} < BatchPlace{1, 6});
  CHECK(BatchPlace{1, 5} == BatchPlace{1, 5});
}

}  // namespace tessera::data::test
