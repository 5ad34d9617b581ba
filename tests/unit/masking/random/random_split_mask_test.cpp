#include "tessera/masking/random/random_split_mask.hpp"

#include "support/catch.hpp"
#include "support/text_fixture.hpp"
#include "tessera/masking/token_mask.hpp"

using namespace tessera;

TEST_CASE("random_split_mask follows the published formula, bit for bit") {
  const test::TextFixture golden("masks.txt");
  for (const std::string& name : golden.cases("random_split_mask")) {
    const auto args = golden.values<double>(name + ".args");
    Generator generator(static_cast<std::uint64_t>(args[0]));
    const KeepMask mask = random_split_mask(
        {static_cast<Index>(args[2]), static_cast<Index>(args[3])},
        {.mask_ratio = {args[4], args[5]}}, static_cast<std::uint64_t>(args[1]), generator);
    CAPTURE(name);
    CHECK(mask.idx_keep == golden.tensor<Index, 2>(name + ".idx_keep"));
    CHECK(mask.idx_mask == golden.tensor<Index, 2>(name + ".idx_mask"));
  }
}

TEST_CASE("random_split_mask partitions, and the step alone sets the count") {
  for (std::uint64_t step = 0; step < 30; ++step) {
    Generator one(1);
    Generator two(2);
    const KeepMask a = random_split_mask({3, 40}, {}, step, one);
    const KeepMask b = random_split_mask({3, 40}, {}, step, two);
    CHECK(is_partition(a.idx_keep, a.idx_mask, 40));
    CHECK(a.idx_keep.shape() == b.idx_keep.shape());
    CHECK(a.idx_keep.dim(1) >= 16);
    CHECK(a.idx_keep.dim(1) <= 24);
    CHECK_FALSE(a.idx_keep == b.idx_keep);
  }
}

TEST_CASE("random_split_mask errors") {
  Generator generator(1);
  REQUIRE_THROWS_WITH(random_split_mask({2, 9}, {.mask_ratio = {0.6, 0.4}}, 0, generator),
                      "random_split_mask: mask_ratio = [0.6, 0.4] must be in order and within [0, "
                      "1]");
  REQUIRE_THROWS_WITH(random_split_mask({2, 0}, {}, 0, generator),
                      "random_split_mask: size [2, 0] must be at least 1 on every axis");
  CHECK(generator == Generator(1));
}
