#include "tessera/masking/block.hpp"

#include "support/catch.hpp"

using namespace tessera;
using namespace tessera::detail;

TEST_CASE("a block contains its rectangle only") {
  const Block block{1, 2, 2, 3};
  Index inside = 0;
  for (Index row = 0; row < 5; ++row) {
    for (Index column = 0; column < 7; ++column) inside += block.contains(row, column) ? 1 : 0;
  }
  CHECK(inside == 6);
  CHECK(block.contains(1, 2));
  CHECK(block.contains(2, 4));
  CHECK_FALSE(block.contains(3, 2));
  CHECK_FALSE(block.contains(1, 5));
}

TEST_CASE("free cells leave out the first others") {
  const Block block{0, 0, 2, 3};
  const std::vector<Block> others = {{0, 0, 1, 2}, {1, 2, 3, 3}};
  CHECK(free_cells(block, {}, 0, 4) == std::vector<Index>{0, 1, 2, 4, 5, 6});
  CHECK(free_cells(block, others, 0, 4).size() == 6);
  CHECK(free_cells(block, others, 1, 4) == std::vector<Index>{2, 4, 5, 6});
  CHECK(free_cells(block, others, 2, 4) == std::vector<Index>{2, 4, 5});
  CHECK(free_cells({0, 0, 0, 3}, {}, 0, 4).empty());
}

TEST_CASE("blocks are placed at every corner, rows drawn first") {
  Generator generator(1);
  Generator draws(1);
  std::vector<int> seen(6, 0);
  for (int i = 0; i < 300; ++i) {
    const Block block = place_block({2, 5}, {2, 3}, generator);
    CHECK(block.top == draws.randint(0, 2));
    CHECK(block.left == draws.randint(0, 3));
    CHECK((block.height == 2 && block.width == 5));
    ++seen[static_cast<std::size_t>(block.top * 3 + block.left)];
  }
  for (const int count : seen) CHECK(count > 20);
}
