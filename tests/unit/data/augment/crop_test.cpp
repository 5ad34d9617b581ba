#include "tessera/data/augment/crop.hpp"

#include <cmath>
#include <limits>

#include "support/catch.hpp"
#include "support/io/files.hpp"
#include "tessera/io/source/tensor_source.hpp"

namespace tessera::data::test {

using namespace tessera::io;
using io::test::argument_error;
using io::test::golden;

TEST_CASE("boxes and flips are those of torchvision for the same seed") {
  const TensorSource expected = open_tensors(golden / "image_crops.safetensors");
  const std::vector<std::pair<std::string, CropRange>> ranges{
      {"mae", {}},
      {"small", {.area_low = 0.08, .area_high = 0.3, .ratio_low = 0.5, .ratio_high = 2.0}},
      {"impossible", {.area_low = 0.9}}};
  for (const auto& [name, range] : ranges) {
    for (const Size& size : {Size{100, 80}, Size{37, 300}, Size{300, 37}}) {
      const std::string key = concat(name, ".", size.height, "x", size.width);
      CAPTURE(key);
      const auto boxes = expected.read<std::int64_t, 2>(key + ".boxes");
      const auto flips = expected.read<bool, 1>(key + ".flips");
      Generator generator(static_cast<std::uint64_t>(size.height));
      int wrong = 0;
      for (Index i = 0; i < boxes.dim(0); ++i) {
        const ImageBox box = random_crop_box(size, range, generator);
        const ImageBox torch_box{boxes(i, 0), boxes(i, 1), boxes(i, 2), boxes(i, 3)};
        wrong += box == torch_box ? 0 : 1;
      }
      const Image image({1, 2, 3}, {1, 1, 1, 2, 2, 2});
      for (Index i = 0; i < flips.size(); ++i) {
        const bool flipped = random_flip(image, generator)(0, 0, 0) == 2;
        wrong += flipped == flips(i) ? 0 : 1;
      }
      CHECK(wrong == 0);
    }
  }
}

TEST_CASE("a random resized crop is its box, resized") {
  Image image({20, 30, 3});
  for (Index i = 0; i < image.size(); ++i) image.data()[i] = static_cast<std::uint8_t>(i * 7);
  Generator first(5);
  Generator second(5);
  for (const Filter filter : {Filter::bilinear, Filter::bicubic}) {
    const ImageBox box = random_crop_box({20, 30}, {}, first);
    CHECK((random_resized_crop(image, {8, 12}, {}, second, filter) ==
           resize(crop(image, box), {8, 12}, filter)));
  }
  CHECK(first == second);
}

TEST_CASE("probabilities 0 and 1 are certain") {
  const Image image({1, 2, 3}, {1, 1, 1, 2, 2, 2});
  Generator generator(1);
  for (int i = 0; i < 20; ++i) {
    CHECK((random_flip(image, generator, 0.0) == image));
    CHECK((random_flip(image, generator, 1.0) == flip_horizontally(image)));
  }
}

TEST_CASE("one pixel and extreme shapes still give a box inside") {
  Generator generator(2);
  for (const Size& size : {Size{1, 1}, Size{1, 1000}, Size{1000, 1}}) {
    for (int i = 0; i < 20; ++i) {
      const ImageBox box = random_crop_box(size, {.ratio_low = 3.0, .ratio_high = 3.0}, generator);
      CHECK(box.height >= 1);
      CHECK(box.width >= 1);
      CHECK(box.top >= 0);
      CHECK(box.left >= 0);
      CHECK(box.top + box.height <= size.height);
      CHECK(box.left + box.width <= size.width);
    }
  }
}

TEST_CASE("impossible ranges are refused and draw nothing") {
  Generator generator(3);
  const Generator before = generator;
  const auto error = [&](const CropRange& range) {
    return argument_error([&] { random_crop_box({5, 5}, range, generator); });
  };
  CHECK(error({.area_low = 0.0}) == "random_crop_box: area from 0 to 1 is not a range in (0, 1]");
  CHECK(error({.area_low = 0.5, .area_high = 0.4}) ==
        "random_crop_box: area from 0.5 to 0.4 is not a range in (0, 1]");
  CHECK(error({.area_high = 1.5}) ==
        "random_crop_box: area from 0.2 to 1.5 is not a range in (0, 1]");
  CHECK(error({.area_low = std::numeric_limits<double>::quiet_NaN()}) ==
        "random_crop_box: area from nan to 1 is not a range in (0, 1]");
  CHECK(error({.ratio_low = 2.0}) ==
        "random_crop_box: ratio from 2 to 1.33333 is not a range of positive numbers");
  CHECK(error({.ratio_low = -1.0}) ==
        "random_crop_box: ratio from -1 to 1.33333 is not a range of positive numbers");
  CHECK(argument_error([&] { random_crop_box({0, 5}, {}, generator); }) ==
        "random_crop_box: size 0 x 5 is not positive");
  CHECK(argument_error([&] { random_resized_crop(Image({2, 2, 3}), {0, 1}, {}, generator); }) ==
        "random_resized_crop: size 0 x 1 is not positive");
  CHECK(argument_error([&] { random_flip(Image({2, 2, 3}), generator, 1.5); }) ==
        "random_flip: probability 1.5 is not in [0, 1]");
  CHECK(generator == before);
}

}  // namespace tessera::data::test
