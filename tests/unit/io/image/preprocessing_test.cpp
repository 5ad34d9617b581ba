#include "tessera/io/image/preprocessing.hpp"

#include <sstream>

#include "support/catch.hpp"
#include "support/fixture.hpp"
#include "support/heap/heap_watch.hpp"
#include "support/io/files.hpp"
#include "support/io/preprocessing_cases.hpp"
#include "tessera/io/source/tensor_source.hpp"

namespace tessera::io::test {

using tessera::test::Fixture;

namespace {

/// The settings of a transform of preprocess.safetensors, from its metadata.
Preprocessing settings_of(const Fixture& fixture, const std::string& name) {
  Preprocessing how;
  const TensorSource file = open_tensors(golden / "preprocess.safetensors");
  if (file.metadata().contains(name + ".crop")) {
    how.size = {fixture.integer(name + ".crop"), fixture.integer(name + ".crop")};
    how.shorter_side = fixture.integer(name + ".resize");
  } else {
    how.size = {fixture.integer(name + ".resize_height"), fixture.integer(name + ".resize_width")};
    how.resize = ResizeRule::exact;
    how.resized = how.size;
    how.shorter_side = 0;
  }
  how.filter = fixture.text(name + ".filter") == "bicubic" ? Filter::bicubic : Filter::bilinear;
  how.rounding = name.starts_with("hf_") ? CropRounding::down : CropRounding::half_to_even;
  std::istringstream mean(fixture.text(name + ".mean"));
  std::istringstream std(fixture.text(name + ".std"));
  for (std::size_t i = 0; i < 3; ++i) {
    mean >> how.normalization.mean[i];
    std >> how.normalization.std[i];
  }
  return how;
}

/// A picture of one color.
Image plain(const Size& size) { return Image({size.height, size.width, 3}, 7); }

}  // namespace

TEST_CASE("preprocessing is that of timm, Hugging Face and torchvision within 1e-6") {
  const Fixture fixture("preprocess");
  for (const char* name :
       {"hf_dinov2_bicubic", "hf_vit_bilinear", "hf_vit_mae_bicubic", "hf_vit_tall_bilinear",
        "timm_bicubic_100", "timm_bicubic_875", "timm_bicubic_90_half", "timm_bilinear_95",
        "torchvision_16_20_padded", "torchvision_21_16", "torchvision_27_24"}) {
    for (const char* source : {"tall", "wide"}) {
      INFO(name << " of " << source);
      const auto image = fixture.tensor<std::uint8_t, 3>(std::string("source.") + source);
      const auto expected = fixture.tensor<float, 3>(std::string("output.") + name + "." + source);
      const auto found = preprocess<float>(image, settings_of(fixture, name));
      REQUIRE(found.shape() == expected.shape());
      float apart = 0;
      for (Index i = 0; i < found.size(); ++i) {
        apart = std::max(apart, std::abs(found.data()[i] - expected.data()[i]));
      }
      CHECK(apart <= 1e-6F);
    }
  }
  CHECK(fixture.unused().empty());
}

TEST_CASE("torchvision: resized and cut as its presets do, on pictures of twelve sizes") {
  const auto cases = preprocessing_cases("torchvision");
  const std::array<Preprocessing, 3> settings{
      Preprocessing{.size = {224, 224}, .shorter_side = 256, .filter = Filter::bilinear},
      Preprocessing{.size = {384, 384}, .shorter_side = 384},
      Preprocessing{.size = {24, 24}, .shorter_side = 27}};
  REQUIRE(cases.size() == settings.size());
  for (std::size_t i = 0; i < cases.size(); ++i) {
    CHECK(cases[i].pictures.size() == 12);
    for (const ExpectedPicture& picture : cases[i].pictures) {
      INFO(cases[i].settings << " of " << concat(picture.source));
      CHECK(picture_mismatch(picture, settings[i]) == "");
    }
  }
}

TEST_CASE("resized_size: every rule, and limits") {
  const auto size = [](const Size& image, const Preprocessing& how) {
    return resized_size(image, how);
  };
  CHECK(size({30, 40}, {.shorter_side = 15}) == Size{15, 20});
  CHECK(size({30, 41}, {.shorter_side = 15}) == Size{15, 20});
  CHECK(size({90, 30}, {.shorter_side = 28, .longer_side = 60}) == Size{60, 20});
  CHECK(size({40, 50}, {.shorter_side = 28, .longer_side = 60}) == Size{28, 35});
  CHECK(size({30, 40}, {.resize = ResizeRule::none}) == Size{30, 40});
  const Size box{20, 60};
  CHECK(size({30, 40}, {.resize = ResizeRule::exact, .resized = box}) == box);
  CHECK(size({30, 40}, {.resize = ResizeRule::cover, .resized = box}) == Size{45, 60});
  CHECK(size({30, 40}, {.resize = ResizeRule::contain, .resized = box}) == Size{20, 27});
  CHECK(argument_error([&] { size({0, 4}, {}); }) == "resized_size: size 0 x 4 is not positive");
  CHECK(argument_error([&] { size({4, 4}, {.shorter_side = 0}); }) ==
        "resized_size: shorter_side 0 is not positive");
  CHECK(argument_error([&] { size({4, 4}, {.resize = ResizeRule::cover}); }) ==
        "resized_size: size 0 x 0 is not positive");
  CHECK(argument_error([&] { size({1, 2000}, {.shorter_side = 28, .longer_side = 60}); }) ==
        "resized_size: image of 1 x 2000 pixels would become 0 x 60");
  CHECK(argument_error([&] { size({2, 60000}, {.shorter_side = 384}); }) ==
        "resized_size: image of 2 x 60000 pixels would become 384 x 11520000 before the cut, more "
        "than the limit of 1073741824 pixels");
}

TEST_CASE("fit_image: what is cut away is never made") {
  using tessera::test::heap_growth_of;
  for (const Size& thin : {Size{1, 2000}, Size{2000, 1}}) {
    const Image image = plain(thin);
    Image fitted;
    CHECK(heap_growth_of([&] { fitted = fit_image(image, {}); }) < 1'000'000);
    CHECK((fitted == plain({224, 224})));
  }
  // A large picture needs no more than what the first pass leaves of it.
  const Image large = plain({3000, 4000});
  CHECK(heap_growth_of([&] { (void)fit_image(large, {}); }) < 3'000'000);
  for (const Size& strip : {Size{2, 60000}, Size{60000, 2}}) {
    const Image image = plain(strip);
    std::string message;
    CHECK(heap_growth_of([&] {
            message = argument_error([&] { (void)fit_image(image, {.shorter_side = 384}); });
          }) < 100'000);
    CHECK(message.starts_with("resized_size: image of "));
  }
}

TEST_CASE("fit_image: a small picture lies in the middle of the fill") {
  const Preprocessing how{
      .size = {4, 5}, .resize = ResizeRule::none, .shorter_side = 0, .fill = {1, 2, 3}};
  const Image fitted = fit_image(plain({1, 2}), how);
  CHECK(fitted(0, 0, 0) == 1);
  CHECK(fitted(3, 4, 2) == 3);
  CHECK(fitted(1, 1, 0) == 7);
  CHECK(fitted(1, 2, 0) == 7);
  CHECK(fitted(1, 3, 1) == 2);
  CHECK(fitted(2, 1, 1) == 2);
}

}  // namespace tessera::io::test
