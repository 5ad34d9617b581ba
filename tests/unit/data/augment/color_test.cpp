#include "tessera/data/augment/color.hpp"

#include <cmath>
#include <functional>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/data/golden_augmentation.hpp"
#include "support/throws.hpp"

namespace tessera::data::test {

using tessera::test::error_of;

namespace {

using Change = std::function<void(io::Image&, double)>;

void check_change(const std::string& name, const std::vector<std::string>& amounts,
                  const Change& change) {
  for (const std::string& amount : amounts) {
    CAPTURE(name, amount);
    io::Image image = golden_image("picture");
    change(image, std::stod(amount));
    CHECK((image == golden_image(name + "." + amount)));
  }
}

}  // namespace

TEST_CASE("colors are changed to Pillow's bits") {
  const std::vector<std::string> factors{"0", "0.3", "0.6", "1", "1.4", "3.7"};
  check_change("brightness", factors, adjust_brightness);
  check_change("contrast", factors, adjust_contrast);
  check_change("saturation", factors, adjust_saturation);
  check_change("hue", {"-0.5", "-0.1", "0", "0.05", "0.1", "0.5"}, adjust_hue);
  check_change("gray", {"0"}, [](io::Image& image, double) { make_gray(image); });
  check_change("solarize", {"0", "1", "128", "255"}, [](io::Image& image, double threshold) {
    solarize(image, static_cast<int>(threshold));
  });
}

TEST_CASE("every part of the color circle turns as Pillow turns it") {
  constexpr Index levels = 52;  // 0, 5, ..., 255
  io::Image colors = io::Image::empty({levels, levels * levels, 3});
  for (Index i = 0; i < levels * levels * levels; ++i) {
    const auto level = [](Index step) { return static_cast<std::uint8_t>(5 * step); };
    std::uint8_t* rgb = colors.data() + 3 * i;
    rgb[0] = level(i / (levels * levels));
    rgb[1] = level(i / levels % levels);
    rgb[2] = level(i % levels);
  }
  const auto expected = golden_augmentation().read<std::int64_t, 1>("all_colors.hue");
  REQUIRE(expected.size() == 21);
  for (Index i = 0; i < 21; ++i) {
    io::Image turned = colors;
    adjust_hue(turned, i == 20 ? 0.5 : -0.5 + 0.05 * static_cast<double>(i));
    CAPTURE(i);
    CHECK(crc_of(turned) == expected(i));
  }
}

TEST_CASE("1000 random color changes are torchvision's for the same seed") {
  const auto expected = golden_augmentation().read<std::int64_t, 1>("jitter.crc");
  const io::Image picture = golden_image("picture");
  Generator generator(3);
  Index wrong = 0;
  for (Index i = 0; i < expected.size(); ++i) {
    io::Image image = picture;
    jitter_colors(image, {.brightness = 0.8, .contrast = 0.8, .saturation = 0.8, .hue = 0.2},
                  generator);
    wrong += crc_of(image) == expected(i) ? 0 : 1;
  }
  CHECK(expected.size() == 1000);
  CHECK(wrong == 0);
}

TEST_CASE("a property that is not changed draws nothing") {
  io::Image image = golden_image("picture");
  Generator generator(1);
  Generator only_order(1);
  (void)randperm(4, only_order);
  jitter_colors(image, {}, generator);
  CHECK(generator == only_order);
  CHECK((image == golden_image("picture")));
}

TEST_CASE("amounts out of range are refused and change nothing") {
  io::Image image = golden_image("picture");
  CHECK(error_of([&] { adjust_brightness(image, -0.5); }) ==
        "adjust_brightness: factor = -0.5 is not in [0, 1e6]");
  CHECK(error_of([&] { adjust_contrast(image, std::nan("")); }) ==
        "adjust_contrast: factor = nan is not in [0, 1e6]");
  CHECK(error_of([&] { adjust_saturation(image, 1e9); }) ==
        "adjust_saturation: factor = 1e+09 is not in [0, 1e6]");
  CHECK(error_of([&] { adjust_hue(image, 0.51); }) ==
        "adjust_hue: turn = 0.51 is not in [-0.5, 0.5]");
  CHECK((image == golden_image("picture")));
}

}  // namespace tessera::data::test
