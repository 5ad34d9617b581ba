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

TEST_CASE("Size of one number is a square") {
  struct Config {
    Size image_size{8, 16};
  };
  CHECK(Config{.image_size = 224}.image_size == Size{224, 224});
  CHECK(Config{}.image_size == Size{8, 16});
}

TEST_CASE("Size refuses to count beyond an Index") {
  const Index huge = Index{1} << 32;
  CHECK(Size{huge, huge / 4}.count() == Index{1} << 62);
  CHECK(error_of([&] { (void)Size{huge, huge}.count(); }) ==
        "Size: 4294967296 x 4294967296 is too large");
}

}  // namespace tessera
