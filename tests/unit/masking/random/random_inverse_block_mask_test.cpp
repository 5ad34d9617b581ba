#include "tessera/masking/random/random_inverse_block_mask.hpp"

#include <limits>

#include "support/catch.hpp"
#include "support/text_fixture.hpp"
#include "tessera/masking/token_mask.hpp"

using namespace tessera;

TEST_CASE("random_inverse_block_mask is lightly's, bit for bit") {
  const test::TextFixture golden("masks.txt");
  for (const std::string& name : golden.cases("random_inverse_block_mask")) {
    const auto args = golden.values<double>(name + ".args");
    Generator generator(static_cast<std::uint64_t>(args[0]));
    const auto side = static_cast<Index>(args[2]);
    const KeepMask mask =
        random_inverse_block_mask({static_cast<Index>(args[1]), side, side},
                                  {.mask_ratio = args[3],
                                   .num_prefix_tokens = static_cast<Index>(args[4]),
                                   .min_aspect = args[5],
                                   .max_aspect = args[6],
                                   .roll = args[7] == 1.0},
                                  generator);
    CAPTURE(name);
    CHECK(mask.idx_keep == golden.tensor<Index, 2>(name + ".idx_keep"));
    CHECK(mask.idx_mask == golden.tensor<Index, 2>(name + ".idx_mask"));
    CHECK(generator.uniform<float>() == golden.values<float>(name + ".next")[0]);
  }
}

TEST_CASE("random_inverse_block_mask partitions any grid with fixed counts") {
  Generator generator(6);
  for (const Size& grid : {Size{14, 14}, {7, 12}, {12, 7}, {6, 10}}) {
    const Index patches = grid.count();
    for (const double ratio : {0.0, 0.005, 0.3, 0.65, 0.95, 1.0}) {
      for (const Index prefix : {0, 1, 4}) {
        const KeepMask mask = random_inverse_block_mask(
            {6, grid.height, grid.width}, {.mask_ratio = ratio, .num_prefix_tokens = prefix},
            generator);
        const auto masked = static_cast<Index>(static_cast<double>(patches) * ratio);
        CAPTURE(grid.height, grid.width, ratio, prefix);
        REQUIRE(mask.idx_mask.shape() == Shape<2>{6, masked});
        REQUIRE(is_partition(mask.idx_keep, mask.idx_mask, prefix + patches));
        for (Index b = 0; b < 6; ++b) {
          for (Index token = 0; token < prefix; ++token) CHECK(mask.idx_keep(b, token) == token);
          CHECK(std::is_sorted(mask.idx_keep.row(b), mask.idx_keep.row(b) + mask.idx_keep.dim(1)));
          CHECK(std::is_sorted(mask.idx_mask.row(b), mask.idx_mask.row(b) + masked));
        }
      }
    }
  }
}

TEST_CASE("random_inverse_block_mask keeps one compact block when not rolled") {
  Generator generator(7);
  const KeepMask mask = random_inverse_block_mask(
      {50, 10, 16}, {.mask_ratio = 0.7, .num_prefix_tokens = 0, .roll = false}, generator);
  for (Index b = 0; b < 50; ++b) {
    Index top = 10, bottom = -1, left = 16, right = -1;
    for (Index k = 0; k < mask.idx_keep.dim(1); ++k) {
      const Index patch = mask.idx_keep(b, k);
      top = std::min(top, patch / 16);
      bottom = std::max(bottom, patch / 16);
      left = std::min(left, patch % 16);
      right = std::max(right, patch % 16);
    }
    const Index area = (bottom - top + 1) * (right - left + 1);
    const Index kept = mask.idx_keep.dim(1);
    CHECK(area >= kept);
    CHECK(area - kept < 17);  // less than one more row or column on each axis
  }
}

TEST_CASE("rolled blocks reach every patch alike") {
  Generator generator(9);
  std::vector<int> kept(64, 0);
  for (int i = 0; i < 100; ++i) {
    const KeepMask mask = random_inverse_block_mask(
        {20, 8, 8}, {.mask_ratio = 0.75, .num_prefix_tokens = 0}, generator);
    for (const Index patch : mask.idx_keep) ++kept[static_cast<std::size_t>(patch)];
  }
  for (const int count : kept) CHECK(std::abs(count - 500) < 100);  // five standard deviations
}

TEST_CASE("random_inverse_block_mask errors") {
  Generator generator(1);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  REQUIRE_THROWS_WITH(random_inverse_block_mask({0, 4, 4}, {}, generator),
                      "random_inverse_block_mask: size [0, 4, 4] must be at least 1 on every axis");
  REQUIRE_THROWS_WITH(random_inverse_block_mask({1, 4, 4}, {.mask_ratio = nan}, generator),
                      "random_inverse_block_mask: mask_ratio = nan is outside [0, 1]");
  REQUIRE_THROWS_WITH(random_inverse_block_mask({1, 4, 4}, {.num_prefix_tokens = -2}, generator),
                      "random_inverse_block_mask: num_prefix_tokens = -2 is negative");
  REQUIRE_THROWS_WITH(
      random_inverse_block_mask({1, 4, 4}, {.min_aspect = 2.0, .max_aspect = 1.0}, generator),
      "random_inverse_block_mask: aspect ratios [2, 1] must be in order and within [0.001, 1000]");
  REQUIRE_THROWS_WITH(random_inverse_block_mask({1, 4, 4}, {.min_aspect = 2.0}, generator),
                      "random_inverse_block_mask: aspect ratios [2, 0.5] must be in order "
                      "and within [0.001, 1000]");
  REQUIRE_THROWS_WITH(random_inverse_block_mask({1, 4, 64}, {.mask_ratio = 0.5}, generator),
                      "random_inverse_block_mask: no block of 128 patches with an aspect ratio in "
                      "[0.5, 2] fits the grid 4 x 64");
  CHECK(generator == Generator(1));
}
