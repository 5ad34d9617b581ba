#include "tessera/io/preprocessing/settings_metadata.hpp"

#include "support/catch.hpp"
#include "support/io/checkpoint.hpp"
#include "tessera/io/checkpoint/model_config.hpp"
#include "tessera/io/preprocessing/choose.hpp"
#include "tessera/io/weights/save.hpp"

namespace tessera::io::test {

TEST_CASE("settings go into metadata and come back") {
  const std::array<Preprocessing, 7> all{
      Preprocessing{},
      Preprocessing{.resize = ResizeRule::exact, .shorter_side = 0, .resized = {224, 224}},
      Preprocessing{.resize = ResizeRule::exact, .shorter_side = 0, .resized = {250, 256}},
      Preprocessing{.size = {3, 4},
                    .resize = ResizeRule::cover,
                    .shorter_side = 0,
                    .resized = {5, 6},
                    .filter = Filter::hamming},
      Preprocessing{.resize = ResizeRule::contain,
                    .shorter_side = 0,
                    .resized = {5, 6},
                    .filter = Filter::lanczos,
                    .fill = {1, 2, 255}},
      Preprocessing{.shorter_side = 8, .longer_side = 9, .filter = Filter::box},
      Preprocessing{.resize = ResizeRule::none,
                    .shorter_side = 0,
                    .rounding = CropRounding::down,
                    .normalization = {.level = 127.5}}};
  for (const Preprocessing& how : all) {
    CAPTURE(preprocessing_text(how));
    const auto back = detail::metadata_preprocessing(detail::to_metadata(how), "m");
    REQUIRE(back.has_value());
    CHECK(*back == how);
  }
  CHECK(detail::to_metadata(Preprocessing{}).size() ==
        7);  // no more keys than before ResizeRule was there
  CHECK(!detail::metadata_preprocessing({}, "m").has_value());
}

TEST_CASE("settings in metadata are what was written, or refused by key") {
  const ScratchFolder folder;
  const auto path = folder / "m.safetensors";
  const Checkpoint file = Case("mae_encoder").open();
  MaskedVisionTransformer<float> encoder(encoder_config(file, read_facts(file)));
  const auto error_with = [&](const std::string& key, const std::string& value) {
    TensorMetadata metadata = detail::to_metadata(Preprocessing{});
    metadata["tessera.preprocessing." + key] = value;
    save_weights(path, encoder, {.metadata = metadata});
    const std::string text =
        file_error([&] { (void)known_preprocessing(open_checkpoint(path), {8, 8}); });
    const std::string label = path.string() + ": ";
    return text.starts_with(label) ? text.substr(label.size()) : text;
  };
  CHECK(error_with("filter", "bicubic") == "(no exception)");
  const std::string begin = "metadata tessera.preprocessing.";
  CHECK(error_with("filter", "nearest") == begin + "filter 'nearest' is none");
  CHECK(error_with("height", "1000000") == begin + "height 1000000 is not between 1 and 16384");
  CHECK(error_with("std", "1 0 1") == begin + "std 0 is not positive");
  CHECK(error_with("std", "1 1 1 junk") == begin + "std is not three numbers");
  CHECK(error_with("resize", "squash") == begin + "resize 'squash' is none");
  CHECK(error_with("mean", "1 1") == begin + "mean is not three numbers");
}

}  // namespace tessera::io::test
