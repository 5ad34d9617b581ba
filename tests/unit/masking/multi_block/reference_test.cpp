#include "tessera/masking/multi_block/reference.hpp"

#include <set>

#include "support/catch.hpp"

using namespace tessera;
using namespace tessera::detail;

TEST_CASE("the published target sizes come out, and no others") {
  using Pairs = std::set<std::pair<Index, Index>>;
  const auto sizes = [](const Size& grid) {
    Pairs found;
    Generator generator(1);
    for (int i = 0; i < 20000; ++i) {
      const Size block = reference_block_size(grid, {0.15, 0.2}, {0.75, 1.5},
                                              static_cast<double>(generator.uniform<float>()));
      found.insert({block.height, block.width});
    }
    return found;
  };
  CHECK(sizes({16, 16}) == Pairs{{5, 7}, {6, 7}, {6, 6}, {7, 6}, {8, 6}, {9, 6}});
  CHECK(sizes({14, 14}) == Pairs{{5, 6}, {6, 6}, {6, 5}, {7, 5}, {8, 5}});
  CHECK(
      sizes({28, 28}) ==
      Pairs{
          {9, 12}, {10, 12}, {11, 12}, {11, 11}, {12, 11}, {13, 11}, {14, 11}, {14, 10}, {15, 10}});
}

TEST_CASE("the published context sizes come out") {
  const auto size = [](const Size& grid, double unit) {
    return reference_block_size(grid, {0.85, 1.0}, {1.0, 1.0}, unit);
  };
  for (const double unit : {0.0, 0.3, 0.6, 0.999}) {
    CHECK(size({16, 16}, unit) == Size{15, 15});
    CHECK(size({14, 14}, unit) == Size{13, 13});
  }
  CHECK(size({28, 28}, 0.0) == Size{26, 26});
  CHECK(size({28, 28}, 0.9) == Size{27, 27});
}

TEST_CASE("a block never spans a grid, and a grid of one has no block") {
  CHECK(reference_block_size({4, 4}, {1.0, 1.0}, {1.0, 1.0}, 0.5) == Size{3, 3});
  CHECK(reference_block_size({1, 8}, {1.0, 1.0}, {1.0, 1.0}, 0.5) == Size{0, 3});
}
