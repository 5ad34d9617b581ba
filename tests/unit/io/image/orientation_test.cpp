#include "tessera/io/image/orientation.hpp"

#include "support/catch.hpp"
#include "support/io/files.hpp"

namespace tessera::io::test {

namespace {

/// A TIFF structure with one entry.
std::vector<std::byte> tiff(std::string_view order, std::string_view rest) {
  return bytes_of(concat(order, rest));
}

constexpr std::string_view little_six("*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0", 20);

}  // namespace

TEST_CASE("orientation in EXIF data: either byte order, and nothing where it is broken") {
  const auto six = tiff("II", little_six);
  CHECK(detail::exif_orientation(six) == 6);
  for (std::size_t size = 0; size < 20; ++size) {
    CHECK(detail::exif_orientation(std::span(six).first(size)) == 1);
  }
  for (const std::size_t changed : {0, 2, 4, 10, 12, 18}) {
    auto other = six;
    other[changed] = std::byte{0x7F};
    CHECK(detail::exif_orientation(other) == 1);
  }
  auto far = six;  // a table beyond the end
  far[7] = std::byte{0xFF};
  CHECK(detail::exif_orientation(far) == 1);
  const std::string_view big("\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x03\0\0", 20);
  CHECK(detail::exif_orientation(tiff("MM", big)) == 3);
  CHECK(detail::exif_orientation({}) == 1);
}

TEST_CASE("upright: where the corners go") {
  // Corners 1 2 above 3 4, in an image of 2 x 3.
  Image image({2, 3, 3});
  image(0, 0, 0) = 1;
  image(0, 2, 0) = 2;
  image(1, 0, 0) = 3;
  image(1, 2, 0) = 4;
  const auto corners = [&](int orientation) {
    const Image turned = upright(image, orientation);
    const Index bottom = turned.dim(0) - 1;
    const Index right = turned.dim(1) - 1;
    return std::array<int, 4>{turned(0, 0, 0), turned(0, right, 0), turned(bottom, 0, 0),
                              turned(bottom, right, 0)};
  };
  using Corners = std::array<int, 4>;
  CHECK(corners(1) == Corners{1, 2, 3, 4});
  CHECK(corners(2) == Corners{2, 1, 4, 3});
  CHECK(corners(3) == Corners{4, 3, 2, 1});
  CHECK(corners(4) == Corners{3, 4, 1, 2});
  CHECK(corners(5) == Corners{1, 3, 2, 4});
  CHECK(corners(6) == Corners{3, 1, 4, 2});
  CHECK(corners(7) == Corners{4, 2, 3, 1});
  CHECK(corners(8) == Corners{2, 4, 1, 3});
  CHECK(size_of(upright(image, 6)) == Size{3, 2});
  CHECK(argument_error([&] { upright(image, 9); }) ==
        "upright: orientation 9 is not between 1 and 8");
  CHECK(argument_error([&] { upright(Image(), 1); }).starts_with("upright: image has shape "));
}

}  // namespace tessera::io::test
