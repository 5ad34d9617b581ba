#include "tessera/data/augment/augmentation.hpp"

#include <string>

#include "support/catch.hpp"
#include "support/data/golden_augmentation.hpp"
#include "support/throws.hpp"

namespace tessera::data::test {

using tessera::test::error_of;

TEST_CASE("1000 views of each kind are DINO's for the same draws") {
  const Augmentation dino = dino_augmentation(32, 16, 1);
  REQUIRE(dino.views.size() == 3);
  const io::Image photo = golden_image("photo");
  for (const std::size_t which : {0U, 1U, 2U}) {
    const std::string name = which == 0 ? "global" : which == 1 ? "second" : "local";
    CAPTURE(name);
    const auto expected = golden_augmentation().read<std::int64_t, 1>("dino." + name + ".crc");
    Generator generator(5);
    Index wrong = 0;
    for (Index i = 0; i < expected.size(); ++i) {
      wrong += crc_of(augmented(photo, dino.views[which], generator)) == expected(i) ? 0 : 1;
    }
    CHECK(expected.size() == 1000);
    CHECK(wrong == 0);
  }
}

TEST_CASE("the published augmentations are crops and flips of their papers") {
  const io::Image photo = golden_image("photo");
  Generator ours(7);
  Generator theirs(7);
  const io::Image mae = augmented(photo, mae_augmentation(24).views[0], ours);
  const io::Image cropped =
      random_resized_crop(photo, {24, 24}, {.area_low = 0.2}, theirs, io::Filter::bicubic);
  CHECK((mae == random_flip(cropped, theirs, 0.5)));
  CHECK(ours == theirs);

  const io::Image ijepa = augmented(photo, ijepa_augmentation(24).views[0], ours);
  CHECK((ijepa ==
         random_resized_crop(photo, {24, 24}, {.area_low = 0.3}, theirs, io::Filter::bilinear)));
  CHECK(ours == theirs);
}

TEST_CASE("views for evaluation draw nothing") {
  const io::Image photo = golden_image("photo");  // 48 x 64
  Generator generator(7);
  const io::Image middle = augmented(photo, evaluation_view(28).views[0], generator);
  CHECK((middle == io::center_crop(io::resize(photo, {32, 42}, io::Filter::bicubic), {28, 28})));
  const io::Image whole = augmented(photo, whole_view(28).views[0], generator);
  CHECK((whole == io::resize(photo, {28, 28}, io::Filter::bicubic)));
  const io::Image square = io::crop(photo, {0, 0, 28, 28});
  CHECK((augmented(square, whole_view(28).views[0], generator) == square));
  CHECK(generator == Generator(7));
}

TEST_CASE("the middle of a thin picture is made without the rest") {
  const io::Image thin({1, 10000, 3}, 7);  // 256 x 2,560,000 once it is resized
  Generator generator(7);
  CHECK((augmented(thin, evaluation_view(224).views[0], generator) == io::Image({224, 224, 3}, 7)));
}

TEST_CASE("views that cannot be made are refused") {
  const auto error = [](const View& view) {
    return error_of([&] { check_augmentation("Loader", {.views = {view}}); });
  };
  CHECK(error_of([] { check_augmentation("Loader", {}); }) ==
        "Loader: the augmentation has no views");
  CHECK(error({.count = 0}) == "Loader: a view's count = 0 is not positive");
  CHECK(error({.size = {0, 4}}) == "Loader: size 0 x 4 is not positive");
  CHECK(error({.crop = {.area_low = 0}}) == "Loader: area from 0 to 1 is not a range in (0, 1]");
  CHECK(error({.framing = Framing::center_crop, .shorter_side = 200}) ==
        "Loader: shorter_side = 200 leaves no crop of 224 x 224");
  CHECK(error({.flip = 1.5}) == "Loader: flip = 1.5 is not a probability");
  CHECK(error({.jitter = {.hue = 0.6}}) == "Loader: a color jitter of hue 0.6 is above 0.5");
  CHECK(error({.jitter = {.contrast = -1}}) == "Loader: a color jitter of -1 is not in [0, 100]");
  CHECK(error({.blur_low = 2, .blur_high = 1}) ==
        "Loader: blur from 2 to 1 is no range in [0, 1000]");
  CHECK(error_of([] {
          check_augmentation("Loader", {.views = {View()}, .normalization = {.std = {1, 0, 1}}});
        }) == "Loader: mean 0.456 and std 0 of channel 1 are not usable");
}

}  // namespace tessera::data::test
