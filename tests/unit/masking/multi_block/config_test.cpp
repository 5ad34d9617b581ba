#include "tessera/masking/multi_block/config.hpp"

#include <limits>

#include "support/catch.hpp"

using namespace tessera;

namespace {

void check(const MultiBlockMaskConfig& config) {
  detail::check_multi_block_config("MultiBlockMaskSampler", config);
}

}  // namespace

TEST_CASE("the grid is counted in patches") {
  CHECK(MultiBlockMaskConfig{}.grid() == Size{14, 14});
  CHECK(MultiBlockMaskConfig{.patch_size = 32}.grid() == Size{7, 7});
  CHECK(MultiBlockMaskConfig{.image_size = {160, 224}}.grid() == Size{10, 14});
}

TEST_CASE("multi-block configs are checked value by value") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  REQUIRE_NOTHROW(check({}));
  REQUIRE_THROWS_WITH(check({.patch_size = 0}),
                      "MultiBlockMaskSampler: patch size 0 must be positive");
  REQUIRE_THROWS_WITH(check({.image_size = {224, 230}}),
                      "MultiBlockMaskSampler: image size 224 x 230 is not a positive multiple of "
                      "the patch size 16");
  REQUIRE_THROWS_AS(check({.image_size = {0, 224}}), std::invalid_argument);
  REQUIRE_THROWS_WITH(check({.enc_mask_scale = {0.9, 0.8}}),
                      "MultiBlockMaskSampler: enc_mask_scale = [0.9, 0.8] must be in order and "
                      "within [0, 1]");
  REQUIRE_THROWS_WITH(check({.pred_mask_scale = {nan, 0.8}}),
                      "MultiBlockMaskSampler: pred_mask_scale = [nan, 0.8] must be in order and "
                      "within [0, 1]");
  REQUIRE_THROWS_WITH(check({.aspect_ratio = {0.0, 1.0}}),
                      "MultiBlockMaskSampler: aspect ratios [0, 1] must be in order and within "
                      "[0.001, 1000]");
  REQUIRE_THROWS_WITH(check({.nenc = 0}),
                      "MultiBlockMaskSampler: nenc = 0 must be at least 1 and at most 65536");
  REQUIRE_THROWS_WITH(check({.npred = 0}),
                      "MultiBlockMaskSampler: npred = 0 must be at least 1 and at most 65536");
  REQUIRE_THROWS_WITH(check({.min_keep = -1}), "MultiBlockMaskSampler: min_keep = -1 is negative");
  REQUIRE_THROWS_WITH(check({.context_length = 10}),
                      "MultiBlockMaskSampler: context_length = 10 must be more than min_keep = 10");
  REQUIRE_THROWS_WITH(check({.mode = MultiBlockMode::reference, .context_length = 40}),
                      "MultiBlockMaskSampler: context_length = 40 needs the unbiased mode; the "
                      "reference cuts to what a batch happens to have");
}
