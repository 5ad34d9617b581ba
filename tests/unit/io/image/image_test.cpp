#include "tessera/io/image/image.hpp"

#include "support/catch.hpp"
#include "support/io/files.hpp"

namespace tessera::io::test {

namespace {

/// Every value tells its place.
Image numbered(Index height, Index width) {
  Image image({height, width, 3});
  for (Index row = 0; row < height; ++row) {
    for (Index column = 0; column < width; ++column) {
      for (Index channel = 0; channel < 3; ++channel) {
        image(row, column, channel) = static_cast<std::uint8_t>(60 * channel + 10 * row + column);
      }
    }
  }
  return image;
}

}  // namespace

TEST_CASE("crop takes the pixels of its box") {
  const Image image = numbered(4, 5);
  const Image part = crop(image, {1, 2, 3, 2});
  CHECK(part.shape() == Shape<3>{3, 2, 3});
  CHECK(part(0, 0, 0) == image(1, 2, 0));
  CHECK(part(2, 1, 2) == image(3, 3, 2));
  CHECK((crop(image, {0, 0, 4, 5}) == image));
}

TEST_CASE("crop refuses boxes that leave the image") {
  const Image image = numbered(4, 5);
  CHECK(argument_error([&] { crop(image, {2, 0, 3, 5}); }) ==
        "crop: box of 3 x 5 at row 2, column 0 does not lie in image [4, 5, 3]");
  CHECK(argument_error([&] { crop(image, {0, -1, 3, 5}); }) ==
        "crop: box of 3 x 5 at row 0, column -1 does not lie in image [4, 5, 3]");
  CHECK(argument_error([&] { crop(image, {0, 0, 0, 5}); }) ==
        "crop: box of 0 x 5 at row 0, column 0 does not lie in image [4, 5, 3]");
  CHECK(argument_error([&] { crop(image, {PTRDIFF_MAX, 0, 3, 3}); }).starts_with("crop: box of"));
  CHECK(argument_error([] { crop(Image(), {0, 0, 1, 1}); }) ==
        "crop: image has shape [0, 0, 0], but [height, width, 3] is needed, not empty");
  CHECK(argument_error([] { crop(Image({2, 2, 4}), {0, 0, 1, 1}); }) ==
        "crop: image has shape [2, 2, 4], but [height, width, 3] is needed, not empty");
}

TEST_CASE("center_crop rounds odd remainders as torchvision") {
  const Image image = numbered(7, 6);
  // int(round((7 - 4) / 2.0)) = 2 and int(round((6 - 5) / 2.0)) = 0: ties go to even.
  CHECK((center_crop(image, {4, 5}) == crop(image, {2, 0, 4, 5})));
  CHECK((center_crop(image, {6, 3}) == crop(image, {0, 2, 6, 3})));
  CHECK((center_crop(image, {2, 1}) == crop(image, {2, 2, 2, 1})));
  CHECK((center_crop(image, {7, 6}) == image));
  CHECK(argument_error([&] { center_crop(image, {8, 2}); }) ==
        "center_crop: image [7, 6, 3] is smaller than the crop of 8 x 2");
  CHECK(argument_error([&] { center_crop(image, {0, 2}); }) ==
        "center_crop: size 0 x 2 is not positive");
}

TEST_CASE("flip_horizontally exchanges left and right") {
  const Image image = numbered(3, 4);
  const Image flipped = flip_horizontally(image);
  CHECK(flipped(1, 0, 2) == image(1, 3, 2));
  CHECK(flipped(2, 2, 0) == image(2, 1, 0));
  CHECK((flip_horizontally(flipped) == image));
}

TEST_CASE("side_by_side joins images with white gaps") {
  const Image left = numbered(2, 3);
  const Image right = numbered(2, 1);
  const Image joined = side_by_side({left, right, left}, 2);
  CHECK(joined.shape() == Shape<3>{2, 11, 3});
  CHECK((crop(joined, {0, 0, 2, 3}) == left));
  CHECK((crop(joined, {0, 3, 2, 2}) == Image({2, 2, 3}, 255)));
  CHECK((crop(joined, {0, 5, 2, 1}) == right));
  CHECK((crop(joined, {0, 8, 2, 3}) == left));
  CHECK((side_by_side({left}) == left));
  CHECK((side_by_side({left, right}, 0).dim(1) == 4));
}

TEST_CASE("side_by_side refuses what does not fit") {
  const Image image = numbered(2, 3);
  CHECK(argument_error([] { side_by_side(std::span<const Image>()); }) ==
        "side_by_side: no images");
  CHECK(argument_error([&] { side_by_side({image, numbered(3, 3)}); }) ==
        "side_by_side: images [2, 3, 3] and [3, 3, 3] differ in height");
  CHECK(argument_error([&] { side_by_side({image}, -1); }) == "side_by_side: gap -1 is negative");
}

}  // namespace tessera::io::test
