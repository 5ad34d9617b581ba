#include "tessera/io/preprocessing/timm.hpp"

#include "support/catch.hpp"
#include "support/io/files.hpp"
#include "support/io/preprocessing_cases.hpp"
#include "tessera/io/json/values.hpp"

namespace tessera::io::test {

namespace {

Preprocessing read(std::string_view text) {
  return timm_preprocessing(parse_json_values(text, "c.json"));
}

std::string error_of(std::string_view settings) {
  return file_error([&] {
    (void)read(concat(R"({"pretrained_cfg": {"input_size": [3, 8, 8], )", settings, "}}"));
  });
}

}  // namespace

TEST_CASE("timm: every way to crop, on pictures of twelve sizes") {
  const auto cases = preprocessing_cases("timm");
  CHECK(cases.size() == 17);
  for (const PreprocessingCase& settings : cases) {
    CHECK(settings.pictures.size() == 12);
    for (const ExpectedPicture& picture : settings.pictures) {
      INFO(settings.settings << " of " << concat(picture.source));
      CHECK(picture_mismatch(picture, read(settings.settings)) == "");
    }
  }
}

TEST_CASE("timm: settings of no known kind are refused with the file") {
  CHECK(file_error([] { (void)read("{}"); }) == "c.json: pretrained_cfg.input_size says no size");
  CHECK(error_of(R"("interpolation": "nearest")") ==
        "c.json: interpolation 'nearest' is not supported");
  CHECK(error_of(R"("crop_pct": 0)") == "c.json: crop_pct is not in (0, 1]");
  CHECK(error_of(R"("crop_mode": "middle")") ==
        "c.json: crop_mode 'middle' is not supported; center, squash and border are");
  CHECK(error_of(R"("crop_pct": 1e-9)").starts_with("c.json: the side that crop_pct makes "));
  CHECK(error_of(R"("crop_border_pixels": 3)") ==
        "c.json: pretrained_cfg.crop_border_pixels is no setting that is known of timm");
  CHECK(error_of(R"("std": [1, 1, 0])") == "c.json: pretrained_cfg.std 0 is not positive");
}

TEST_CASE("timm: what is left out is timm's own") {
  const Preprocessing usual = read(R"({"pretrained_cfg": {"input_size": [3, 224, 224]}})");
  CHECK(usual == Preprocessing{});
  CHECK(read(R"({"pretrained_cfg": {"input_size": [3, 8, 8], "crop_pct": 1.0}})").shorter_side ==
        8);
  constexpr std::string_view squash =
      R"({"pretrained_cfg": {"input_size": [3, 8, 8], "crop_pct": 1.0, "crop_mode": "squash"}})";
  CHECK(read(squash).shorter_side == 0);
  CHECK(read(squash).resized == Size{8, 8});
}

}  // namespace tessera::io::test
