#include "tessera/masking/square_grid.hpp"

#include "support/catch.hpp"

using namespace tessera;

TEST_CASE("square_grid finds the side behind the prefix") {
  CHECK(square_grid(197, 1) == Size{14, 14});
  CHECK(square_grid(196, 0) == Size{14, 14});
  CHECK(square_grid(264, 8) == Size{16, 16});
  CHECK(square_grid(1, 0) == Size{1, 1});
}

TEST_CASE("square_grid errors name both numbers") {
  REQUIRE_THROWS_WITH(square_grid(197, 0),
                      "square_grid: 197 patches (sequence_length = 197, num_prefix_tokens = 0) do "
                      "not form a square");
  REQUIRE_THROWS_WITH(square_grid(5, 5),
                      "square_grid: sequence_length = 5 leaves no patch behind num_prefix_tokens = "
                      "5");
  REQUIRE_THROWS_WITH(square_grid(5, -4), "square_grid: num_prefix_tokens = -4 is negative");
}
