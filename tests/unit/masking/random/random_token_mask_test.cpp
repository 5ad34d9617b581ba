#include "tessera/masking/random/random_token_mask.hpp"

#include <limits>

#include "support/catch.hpp"
#include "support/text_fixture.hpp"
#include "tessera/masking/token_mask.hpp"

using namespace tessera;

TEST_CASE("random_token_mask is lightly's, bit for bit") {
  const test::TextFixture golden("masks.txt");
  for (const std::string& name : golden.cases("random_token_mask")) {
    const auto args = golden.values<double>(name + ".args");
    Generator generator(static_cast<std::uint64_t>(args[0]));
    const KeepMask mask = random_token_mask(
        {static_cast<Index>(args[1]), static_cast<Index>(args[2])},
        {.mask_ratio = args[3], .num_prefix_tokens = args[4] == 1.0 ? 0 : 1}, generator);
    CAPTURE(name, args);
    CHECK(mask.idx_keep == golden.tensor<Index, 2>(name + ".idx_keep"));
    CHECK(mask.idx_mask == golden.tensor<Index, 2>(name + ".idx_mask"));
    CHECK(generator.uniform<float>() == golden.values<float>(name + ".next")[0]);
  }
}

TEST_CASE("random_token_mask with seed 0 gives the documented masks") {
  Generator generator(0);
  const KeepMask mask = random_token_mask({2, 10}, {.mask_ratio = 0.5}, generator);
  CHECK(mask.idx_keep == TokenIndex({2, 5}, {0, 2, 3, 4, 8, 0, 2, 8, 3, 9}));
  CHECK(mask.idx_mask == TokenIndex({2, 5}, {6, 9, 5, 1, 7, 4, 1, 5, 6, 7}));
}

TEST_CASE("random_token_mask has lightly's counts for every ratio") {
  const auto rows = test::TextFixture("masks.txt").tensor<double, 2>("random_token_mask.counts");
  REQUIRE(rows.dim(0) > 400);
  Generator generator(1);
  for (Index i = 0; i < rows.dim(0); ++i) {
    const auto length = static_cast<Index>(rows(i, 0));
    const KeepMask mask = random_token_mask(
        {1, length}, {.mask_ratio = rows(i, 1), .num_prefix_tokens = rows(i, 2) == 1.0 ? 0 : 1},
        generator);
    CAPTURE(length, rows(i, 1), rows(i, 2));
    REQUIRE(static_cast<double>(mask.idx_keep.dim(1)) == rows(i, 3));
    REQUIRE(static_cast<double>(mask.idx_mask.dim(1)) == rows(i, 4));
  }
}

TEST_CASE("random_token_mask counts that are easy to get wrong") {
  struct Row {
    Index length;
    double ratio;
    Index prefix;
    Index kept;
  };
  Generator generator(1);
  for (const Row& row :
       {Row{197, 0.75, 1, 50}, Row{197, 0.75, 0, 49}, Row{257, 0.75, 1, 65}, Row{257, 0.75, 0, 64},
        Row{50, 0.6, 1, 20}, Row{5, 1.0, 1, 1}, Row{5, 1.0, 0, 0}, Row{5, 0.0, 1, 5},
        Row{5, 0.0, 0, 5}, Row{5, 0.5, 0, 2}, Row{5, 0.5, 1, 3}, Row{201, 0.75, 5, 54}}) {
    CAPTURE(row.length, row.ratio, row.prefix);
    const RandomTokenMaskOptions options{.mask_ratio = row.ratio, .num_prefix_tokens = row.prefix};
    const KeepMask mask = random_token_mask({3, row.length}, options, generator);
    CHECK(mask.idx_keep.shape() == Shape<2>{3, row.kept});
    CHECK(mask.idx_mask.shape() == Shape<2>{3, row.length - row.kept});
  }
}

TEST_CASE("random_token_mask partitions the sequence and leads with the prefix") {
  Generator generator(11);
  for (const double ratio : {0.0, 0.3, 0.6, 0.9, 1.0}) {
    for (const Index prefix : {0, 1, 5}) {
      const KeepMask mask =
          random_token_mask({8, 37}, {.mask_ratio = ratio, .num_prefix_tokens = prefix}, generator);
      CHECK(is_partition(mask.idx_keep, mask.idx_mask, 37));
      for (Index b = 0; b < 8; ++b) {
        for (Index token = 0; token < prefix; ++token) CHECK(mask.idx_keep(b, token) == token);
      }
    }
  }
}

TEST_CASE("random_token_mask of an empty sequence is empty") {
  Generator generator(1);
  const KeepMask mask = random_token_mask({3, 0}, {}, generator);
  CHECK(mask.idx_keep.shape() == Shape<2>{3, 0});
  CHECK(mask.idx_mask.shape() == Shape<2>{3, 0});
}

TEST_CASE("random_token_mask keeps every token equally often") {
  Generator generator(5);
  std::vector<int> kept(17, 0);
  for (int i = 0; i < 500; ++i) {
    const KeepMask mask = random_token_mask({8, 17}, {.mask_ratio = 0.75}, generator);
    for (const Index token : mask.idx_keep) ++kept[static_cast<std::size_t>(token)];
  }
  CHECK(kept[0] == 4000);
  for (std::size_t token = 1; token < 17; ++token) {
    CHECK(std::abs(kept[token] - 1000) < 140);  // five standard deviations
  }
}

TEST_CASE("random_token_mask errors name the argument and leave the generator alone") {
  Generator generator(1);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  REQUIRE_THROWS_WITH(random_token_mask({0, 5}, {}, generator),
                      "random_token_mask: size [0, 5] must have at least one image");
  REQUIRE_THROWS_WITH(random_token_mask({2, 5}, {.mask_ratio = 1.5}, generator),
                      "random_token_mask: mask_ratio = 1.5 is outside [0, 1]");
  REQUIRE_THROWS_AS(random_token_mask({2, 5}, {.mask_ratio = nan}, generator),
                    std::invalid_argument);
  REQUIRE_THROWS_WITH(random_token_mask({2, 5}, {.num_prefix_tokens = 6}, generator),
                      "random_token_mask: num_prefix_tokens = 6 is outside [0, 5]");
  REQUIRE_THROWS_AS(random_token_mask({2, 5}, {.num_prefix_tokens = -1}, generator),
                    std::invalid_argument);
  CHECK(generator == Generator(1));
}
