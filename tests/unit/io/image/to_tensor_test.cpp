#include "tessera/io/image/to_tensor.hpp"

#include <limits>
#include <vector>

#include "support/catch.hpp"
#include "support/io/files.hpp"
#include "support/near.hpp"
#include "tessera/io/source/tensor_source.hpp"

namespace tessera::io::test {

namespace {

/// All 256 levels in all channels, [16, 16, 3].
Image all_levels() {
  Image image({16, 16, 3});
  for (Index i = 0; i < image.size(); ++i) {
    image.data()[i] = static_cast<std::uint8_t>((i / 3 + 50 * (i % 3)) % 256);
  }
  return image;
}

}  // namespace

TEST_CASE("to_tensor gives torch's bits for all levels") {
  const auto levels =
      open_tensors(golden / "image_crops.safetensors").read<float, 2>("imagenet_levels");
  const Image image = all_levels();
  const Tensor<float, 3> tensor = to_tensor<float>(image);
  REQUIRE(tensor.shape() == Shape<3>{3, 16, 16});
  int wrong = 0;
  for (Index channel = 0; channel < 3; ++channel) {
    for (Index row = 0; row < 16; ++row) {
      for (Index column = 0; column < 16; ++column) {
        wrong +=
            tensor(channel, row, column) == levels(channel, image(row, column, channel)) ? 0 : 1;
      }
    }
  }
  CHECK(wrong == 0);
}

TEMPLATE_TEST_CASE("values are (x / 255 - mean) / std", "", float, double) {
  const Image image({1, 2, 3}, {0, 51, 102, 153, 204, 255});
  const Tensor<TestType, 3> plain = to_tensor<TestType>(image, no_normalization);
  CHECK(plain == Tensor<TestType, 3>({3, 1, 2}, {TestType(0.0), TestType(0.6), TestType(0.2),
                                                 TestType(0.8), TestType(0.4), TestType(1.0)}));
  // Half a unit in the last place of 0.6, times 4.
  const double rounding = std::is_same_v<TestType, float> ? 1.3e-7 : 3e-16;
  const Tensor<TestType, 3> scaled = to_tensor<TestType>(image, {{0.5, 0, 0}, {0.25, 1, 2}});
  CHECK(static_cast<double>(scaled(0, 0, 0)) == -2.0);
  CHECK(static_cast<double>(scaled(0, 0, 1)) == tessera::test::near(0.4, rounding));
  CHECK(static_cast<double>(scaled(2, 0, 1)) == 0.5);
}

TEMPLATE_TEST_CASE("to_image undoes to_tensor for all levels", "", float, double) {
  const Image image = all_levels();
  CHECK((to_image(to_tensor<TestType>(image)) == image));
  const Normalization other{{0.1, 0.9, 0.5}, {0.01, 3.0, 0.5}};
  CHECK((to_image(to_tensor<TestType>(image, other), other) == image));
  CHECK((to_image(to_tensor<TestType>(image, no_normalization), no_normalization) == image));
}

TEST_CASE("to_image clamps and rounds to nearest") {
  const double infinity = std::numeric_limits<double>::infinity();
  const Tensor<double, 3> tensor({3, 1, 2},
                                 {-0.1, 1.1, 100.49 / 255, 100.51 / 255, -infinity, infinity});
  CHECK((to_image(tensor, no_normalization) == Image({1, 2, 3}, {0, 100, 0, 255, 101, 255})));
}

TEST_CASE("a batch stacks images and gives them back") {
  std::vector<Image> images{Image({2, 3, 3}, 10), Image({2, 3, 3}, 200)};
  images[1](1, 2, 0) = 7;
  const Tensor<float, 4> batch = to_batch<float>(images);
  CHECK(batch.shape() == Shape<4>{2, 3, 2, 3});
  CHECK(batch(1, 0, 1, 2) == to_tensor<float>(images[1])(0, 1, 2));
  CHECK((to_image(batch, 0) == images[0]));
  CHECK((to_image(batch, 1) == images[1]));
}

TEST_CASE("wrong shapes and values are refused") {
  const std::vector<Image> images{Image({2, 3, 3}), Image({3, 2, 3})};
  CHECK(argument_error([&] { to_batch<float>(images); }) ==
        "to_batch: image 1 has shape [3, 2, 3], image 0 [2, 3, 3]");
  CHECK(argument_error([] { to_batch<float>({}); }) == "to_batch: no images");
  CHECK(argument_error([] { to_tensor<float>(Image()); }) ==
        "to_tensor: image has shape [0, 0, 0], but [height, width, 3] is needed, not empty");
  CHECK(argument_error([&] { to_tensor<float>(images[0], {{0, 0, 0}, {1, 0, 1}}); }) ==
        "to_tensor: mean 0 and std 0 of channel 1 are not usable");
  CHECK(argument_error([] { to_image(Tensor<float, 3>({1, 2, 2})); }) ==
        "to_image: tensor has shape [1, 2, 2], but [3, height, width] is needed, not empty");
  CHECK(argument_error([] { to_image(Tensor<float, 4>({2, 3, 2, 2}), 2); }) ==
        "to_image: index 2 is not in batch [2, 3, 2, 2]");
  Tensor<float, 3> tensor({3, 2, 2});
  tensor(1, 0, 1) = std::numeric_limits<float>::quiet_NaN();
  CHECK(argument_error([&] { to_image(tensor); }) ==
        "to_image: value 5 of tensor [3, 2, 2] is NaN");
}

}  // namespace tessera::io::test
