#include "tessera/masking/patch_grid.hpp"

#include "support/catch.hpp"
#include "support/throws.hpp"

using namespace tessera;
using test::error_of;

TEST_CASE("patch_grid divides height and width, apart") {
  CHECK(patch_grid("op", {224, 96}, 16) == Size{14, 6});
  CHECK(patch_grid("op", {5, 3}, 1) == Size{5, 3});
  CHECK(patch_grid("op", {8, 8}, 8) == Size{1, 1});
}

TEST_CASE("patch_grid refuses images that patches do not cover") {
  CHECK(error_of([] { patch_grid("embed", {225, 96}, 16); }) ==
        "embed: image size 225 x 96 is not a positive multiple of the patch size 16");
  CHECK(error_of([] { patch_grid("embed", {224, 97}, 16); }) ==
        "embed: image size 224 x 97 is not a positive multiple of the patch size 16");
  CHECK(error_of([] { patch_grid("embed", {0, 16}, 16); }) ==
        "embed: image size 0 x 16 is not a positive multiple of the patch size 16");
  CHECK(error_of([] { patch_grid("embed", {16, -16}, 16); }) ==
        "embed: image size 16 x -16 is not a positive multiple of the patch size 16");
  CHECK(error_of([] { patch_grid("embed", {16, 16}, 0); }) ==
        "embed: patch size 0 must be positive");
  CHECK(error_of([] { patch_grid("embed", {16, 16}, -4); }) ==
        "embed: patch size -4 must be positive");
}

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
