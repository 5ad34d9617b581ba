#include "tessera/core/size.hpp"

#include "support/catch.hpp"
#include "support/throws.hpp"

namespace tessera {

using test::error_of;

TEST_CASE("Size counts, compares and is written height x width") {
  const Size size{14, 16};
  CHECK(size.count() == 224);
  CHECK(size == Size{14, 16});
  CHECK_FALSE(size == Size{16, 14});
  CHECK(Size{}.count() == 0);
  CHECK(concat("a grid of ", size) == "a grid of 14 x 16");
}

TEST_CASE("Size refuses to count beyond an Index") {
  const Index huge = Index{1} << 32;
  CHECK(Size{huge, huge / 4}.count() == Index{1} << 62);
  CHECK(error_of([&] { (void)Size{huge, huge}.count(); }) ==
        "Size: 4294967296 x 4294967296 is too large");
}

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

}  // namespace tessera
