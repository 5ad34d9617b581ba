#include "tessera/masking/random/random_prefix_mask.hpp"

#include "support/catch.hpp"
#include "support/text_fixture.hpp"

using namespace tessera;

TEST_CASE("random_prefix_mask is lightly's, bit for bit") {
  const test::TextFixture golden("masks.txt");
  for (const std::string& name : golden.cases("random_prefix_mask")) {
    const auto args = golden.values<Index>(name + ".args");
    Generator generator(static_cast<std::uint64_t>(args[0]));
    CAPTURE(name);
    CHECK(random_prefix_mask({args[1], args[2]}, args[3], generator) ==
          golden.tensor<bool, 2>(name + ".mask"));
  }
}

TEST_CASE("random_prefix_mask masks everything behind a prefix shorter than the maximum") {
  Generator generator(3);
  const TokenMask mask = random_prefix_mask({2000, 10}, 4, generator);
  std::vector<int> lengths(5, 0);
  for (Index b = 0; b < 2000; ++b) {
    const Index length = std::count(mask.row(b), mask.row(b) + 10, false);
    REQUIRE(length <= 4);
    CHECK(std::is_sorted(mask.row(b), mask.row(b) + 10));
    ++lengths[static_cast<std::size_t>(length)];
  }
  CHECK(lengths[4] == 0);  // the upper end is never drawn
  for (std::size_t length = 0; length < 4; ++length) CHECK(lengths[length] > 400);
}

TEST_CASE("random_prefix_mask errors") {
  Generator generator(1);
  REQUIRE_THROWS_WITH(random_prefix_mask({2, 5}, 0, generator),
                      "random_prefix_mask: max_prefix_length = 0 must be at least 1");
  REQUIRE_THROWS_WITH(random_prefix_mask({0, 5}, 3, generator),
                      "random_prefix_mask: size [0, 5] must be at least 1 on every axis");
  CHECK(generator == Generator(1));
}
