#include "tessera/masking/random/random_grid_token_mask.hpp"

#include <limits>
#include <set>

#include "support/catch.hpp"
#include "support/text_fixture.hpp"
#include "tessera/masking/token_mask.hpp"

using namespace tessera;

TEST_CASE("random_grid_token_mask is lightly's, bit for bit") {
  const test::TextFixture golden("masks.txt");
  for (const std::string& name : golden.cases("random_grid_token_mask")) {
    const auto args = golden.values<double>(name + ".args");
    Generator generator(static_cast<std::uint64_t>(args[0]));
    const auto side = static_cast<Index>(args[2]);
    const KeepMask mask = random_grid_token_mask({static_cast<Index>(args[1]), side, side},
                                                 {.mask_ratio = args[3],
                                                  .grid_size = static_cast<Index>(args[4]),
                                                  .num_prefix_tokens = static_cast<Index>(args[5])},
                                                 generator);
    CAPTURE(name);
    CHECK(mask.idx_keep == golden.tensor<Index, 2>(name + ".idx_keep"));
    CHECK(mask.idx_mask == golden.tensor<Index, 2>(name + ".idx_mask"));
  }
}

TEST_CASE("random_grid_token_mask with seed 0 gives the documented mask") {
  Generator generator(0);
  const KeepMask mask =
      random_grid_token_mask({1, 4, 4}, {.mask_ratio = 0.5, .grid_size = 2}, generator);
  CHECK(mask.idx_keep == TokenIndex({1, 9}, {0, 9, 10, 13, 14, 11, 12, 15, 16}));
  CHECK(mask.idx_mask == TokenIndex({1, 8}, {1, 2, 5, 6, 3, 4, 7, 8}));
}

TEST_CASE("random_grid_token_mask counts") {
  Generator generator(2);
  const KeepMask quarter =
      random_grid_token_mask({2, 4, 4}, {.mask_ratio = 0.75, .grid_size = 2}, generator);
  CHECK(quarter.idx_keep.shape() == Shape<2>{2, 5});
  CHECK(quarter.idx_mask.shape() == Shape<2>{2, 12});
  const KeepMask large = random_grid_token_mask({2, 16, 16}, {.num_prefix_tokens = 8}, generator);
  CHECK(large.idx_keep.shape() == Shape<2>{2, 72});
  CHECK(large.idx_mask.shape() == Shape<2>{2, 192});
  const KeepMask all = random_grid_token_mask({2, 8, 8}, {.mask_ratio = 0.0}, generator);
  CHECK(all.idx_keep.shape() == Shape<2>{2, 65});
  const KeepMask none = random_grid_token_mask({2, 8, 8}, {.mask_ratio = 1.0}, generator);
  CHECK(none.idx_keep.shape() == Shape<2>{2, 1});
  // 1 - 0.9 first: int(10 * 0.09999...) = 0 cells kept.
  const KeepMask trap =
      random_grid_token_mask({1, 4, 10}, {.mask_ratio = 0.9, .grid_size = 2}, generator);
  CHECK(trap.idx_keep.shape() == Shape<2>{1, 1});
}

TEST_CASE("random_grid_token_mask masks whole cells of any grid and never the prefix") {
  Generator generator(4);
  struct Row {
    Index height, width, side, prefix;
  };
  for (const Row& row : {Row{4, 8, 2, 0}, Row{12, 6, 3, 1}, Row{5, 15, 5, 4}, Row{2, 2, 1, 1}}) {
    for (const double ratio : {0.0, 0.5, 0.8, 1.0}) {
      const KeepMask mask = random_grid_token_mask(
          {5, row.height, row.width},
          {.mask_ratio = ratio, .grid_size = row.side, .num_prefix_tokens = row.prefix}, generator);
      const Index length = row.prefix + row.height * row.width;
      REQUIRE(is_partition(mask.idx_keep, mask.idx_mask, length));
      for (Index b = 0; b < 5; ++b) {
        for (Index token = 0; token < row.prefix; ++token) {
          CHECK(mask.idx_keep(b, token) == token);
        }
        const Index cell_patches = row.side * row.side;
        for (Index first = 0; first < mask.idx_mask.dim(1); first += cell_patches) {
          std::set<Index> cells;
          for (Index i = 0; i < cell_patches; ++i) {
            const Index patch = mask.idx_mask(b, first + i) - row.prefix;
            cells.insert(patch / row.width / row.side * row.width + patch % row.width / row.side);
          }
          CHECK(cells.size() == 1);
        }
      }
    }
  }
}

TEST_CASE("random_grid_token_mask errors") {
  Generator generator(1);
  REQUIRE_THROWS_WITH(random_grid_token_mask({1, 14, 14}, {}, generator),
                      "random_grid_token_mask: patch grid 14 x 14 is not divisible by grid_size = "
                      "4");
  REQUIRE_THROWS_WITH(random_grid_token_mask({0, 4, 4}, {}, generator),
                      "random_grid_token_mask: size [0, 4, 4] must be at least 1 on every axis");
  REQUIRE_THROWS_WITH(random_grid_token_mask({1, 4, 4}, {.mask_ratio = 2.0}, generator),
                      "random_grid_token_mask: mask_ratio = 2 is outside [0, 1]");
  REQUIRE_THROWS_WITH(random_grid_token_mask({1, 4, 4}, {.grid_size = 0}, generator),
                      "random_grid_token_mask: grid_size = 0 must be at least 1");
  REQUIRE_THROWS_WITH(random_grid_token_mask({1, 4, 4}, {.num_prefix_tokens = -1}, generator),
                      "random_grid_token_mask: num_prefix_tokens = -1 is negative");
  CHECK(generator == Generator(1));
}
