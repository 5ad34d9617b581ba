#include "tessera/data/augment/blur.hpp"

#include <cmath>
#include <string>

#include "support/catch.hpp"
#include "support/data/golden_augmentation.hpp"
#include "support/throws.hpp"
#include "tessera/core/random/generator.hpp"

namespace tessera::data::test {

using tessera::test::error_of;

TEST_CASE("blurs have Pillow's bits") {
  for (const std::string sigma : {"0", "0.1", "0.25", "0.5", "1", "1.7", "2", "5", "40"}) {
    CAPTURE(sigma);
    io::Image image = golden_image("picture");
    gaussian_blur(image, std::stod(sigma));
    CHECK((image == golden_image("blur." + sigma)));
  }
}

TEST_CASE("a box wider than the picture takes its edge again and again") {
  const io::Image picture = golden_image("picture");
  io::Image row = io::crop(picture, {0, 0, 1, 3});
  gaussian_blur(row, 5);
  CHECK((row == golden_image("blur_of_row.5")));
}

TEST_CASE("1000 random blurs are Pillow's") {
  const auto expected = golden_augmentation().read<std::int64_t, 1>("blur.crc");
  const io::Image picture = golden_image("picture");
  Generator generator(4);
  Index wrong = 0;
  for (Index i = 0; i < expected.size(); ++i) {
    io::Image image = picture;
    gaussian_blur(image, static_cast<double>(generator.uniform(0.1F, 2.0F)));
    wrong += crc_of(image) == expected(i) ? 0 : 1;
  }
  CHECK(expected.size() == 1000);
  CHECK(wrong == 0);
}

TEST_CASE("a deviation that is none is refused") {
  io::Image image = golden_image("picture");
  CHECK(error_of([&] { gaussian_blur(image, -1); }) ==
        "gaussian_blur: sigma = -1 is not in [0, 1000]");
  CHECK(error_of([&] { gaussian_blur(image, std::nan("")); }) ==
        "gaussian_blur: sigma = nan is not in [0, 1000]");
  CHECK((image == golden_image("picture")));
}

}  // namespace tessera::data::test
