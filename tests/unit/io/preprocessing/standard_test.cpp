#include "tessera/io/preprocessing/standard.hpp"

#include "support/catch.hpp"

namespace tessera::io::test {

TEST_CASE("MAE's own evaluation: the middle 7/8 up to 224 pixels, the shorter side above") {
  const auto shorter_side = [](Index side) {
    return detail::mae_preprocessing({side, side}).shorter_side;
  };
  CHECK(detail::mae_preprocessing({224, 224}) == Preprocessing{});
  CHECK(shorter_side(32) == 36);  // int(32 / 0.875)
  CHECK(shorter_side(225) == 225);
  CHECK(shorter_side(384) == 384);
  CHECK(shorter_side(448) == 448);
  const Preprocessing wide = detail::mae_preprocessing({16, 32});
  CHECK(wide.resize == ResizeRule::exact);
  CHECK(wide.resized == Size{16, 32});
}

TEST_CASE("torchvision's presets: bilinear at 224, those from SWAG bicubic without a margin") {
  const Preprocessing imagenet = detail::torchvision_preprocessing({224, 224}, 16);
  CHECK(imagenet.shorter_side == 256);
  CHECK(imagenet.filter == Filter::bilinear);
  for (const Index side : {384, 512, 518}) {
    const Preprocessing swag = detail::torchvision_preprocessing({side, side}, 16);
    CHECK(swag.shorter_side == side);
    CHECK(swag.filter == Filter::bicubic);
  }
  const Preprocessing linear = detail::torchvision_preprocessing({224, 224}, 14);
  CHECK(linear.shorter_side == 224);
  CHECK(linear.filter == Filter::bicubic);
}

}  // namespace tessera::io::test
