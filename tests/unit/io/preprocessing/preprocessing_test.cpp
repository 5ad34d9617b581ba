#include "tessera/io/preprocessing/preprocessing.hpp"

#include <sstream>

#include "support/catch.hpp"
#include "support/io/checkpoint.hpp"
#include "tessera/io/checkpoint/model_config.hpp"
#include "tessera/io/weights/save.hpp"

namespace tessera::io::test {

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

TEST_CASE("settings are read from the files beside the weights") {
  const auto of = [](const std::string& name) {
    return preprocessing_for(open_checkpoint(Case(name).path()), {8, 8});
  };
  const Preprocessing vit = of("hf_vit");
  CHECK(vit.size == Size{8, 8});
  CHECK(vit.shorter_side == 0);
  CHECK(vit.filter == Filter::bicubic);
  CHECK(vit.normalization.mean == imagenet_mean);
  const Preprocessing dinov2 = of("hf_dinov2");
  CHECK(dinov2.size == Size{8, 8});
  CHECK(dinov2.shorter_side == 9);
  CHECK(dinov2.rounding == CropRounding::down);
  const Preprocessing timm = of("timm_hub_head");
  CHECK(timm.size == Size{8, 10});
  CHECK(timm.shorter_side == 8);
  CHECK(timm.normalization.mean[0] == 0.5);
  CHECK(timm.rounding == CropRounding::half_to_even);
  const Preprocessing mae =
      preprocessing_for(open_checkpoint(Case("mae_encoder").path()), {224, 224});
  CHECK(mae.size == Size{224, 224});
  CHECK(mae.shorter_side == 256);
  CHECK(mae.normalization.std == imagenet_std);
  CHECK(preprocessing_for(open_checkpoint(Case("mae_encoder").path()), {16, 32}).shorter_side == 0);
}

TEST_CASE("settings of no known kind are refused with the file") {
  const auto hf = [](std::string_view text) {
    return file_error([&] { (void)hugging_face_preprocessing(parse_json_values(text, "p.json")); });
  };
  CHECK(hf(R"({"size": 8, "resample": 0})") ==
        "p.json: resample 0 is not supported; 2, 3 and 4 are");
  CHECK(hf(R"({"size": 8, "rescale_factor": 0.5})") ==
        "p.json: rescale_factor 0.5 is not supported; 1 / 255 is");
  CHECK(hf(R"({"size": {"shortest_edge": 8}})") ==
        "p.json: size.shortest_edge without do_center_crop gives no one size");
  CHECK(hf("{}") == "p.json: says no size");
  CHECK(hf(R"({"size": 8, "do_resize": false})") ==
        "p.json: do_resize false is not supported; true is");
  CHECK(hf(R"({"size": 8, "do_rescale": false})") ==
        "p.json: do_rescale false is not supported; true is");
  CHECK(hf(R"({"size": 20000})") == "p.json: size 20000 is not between 1 and 16384");
  CHECK(hf(R"({"size": {"shortest_edge": 99999}, "do_center_crop": true, "crop_size": 8})") ==
        "p.json: size 99999 is not between 1 and 16384");
  CHECK(hf(R"({"size": 8, "image_mean": [0.5]})") == "p.json: image_mean is not three numbers");
  CHECK(hf(R"({"size": 8, "image_mean": [1, 1, 1, 1]})") ==
        "p.json: image_mean is not three numbers");
  CHECK(hf(R"({"size": 8, "image_std": [1, 0, 1]})") == "p.json: image_std 0 is not positive");
  const auto timm = [](std::string_view text) {
    return file_error([&] { (void)timm_preprocessing(parse_json_values(text, "c.json")); });
  };
  CHECK(timm("{}") == "c.json: pretrained_cfg.input_size says no size");
  CHECK(timm(R"({"pretrained_cfg": {"input_size": [3, 8, 8], "interpolation": "lanczos"}})") ==
        "c.json: interpolation 'lanczos' is not supported");
  CHECK(timm(R"({"pretrained_cfg": {"input_size": [3, 8, 8], "crop_pct": 0}})") ==
        "c.json: crop_pct is not in (0, 1]");
  CHECK(timm(R"({"pretrained_cfg": {"input_size": [3, 8, 8], "crop_mode": "border"}})") ==
        "c.json: crop_mode 'border' is not supported; center is, and squash with a crop_pct of 1");
  CHECK(timm(R"({"pretrained_cfg": {"input_size": [3, 8, 8], "crop_mode": "squash"}})") ==
        "c.json: crop_mode 'squash' is not supported; center is, and squash with a crop_pct of 1");
  CHECK(timm(R"({"pretrained_cfg": {"input_size": [3, 8, 8], "crop_pct": 1e-9}})")
            .starts_with("c.json: the shorter side that crop_pct makes "));
}

TEST_CASE("switches and shapes of settings count") {
  const auto hf = [](std::string_view text) {
    return hugging_face_preprocessing(parse_json_values(text, "p.json"));
  };
  const Normalization none = hf(R"({"size": 8, "do_normalize": false})").normalization;
  CHECK(none.mean == std::array<double, 3>{0, 0, 0});
  CHECK(none.std == std::array<double, 3>{1, 1, 1});
  CHECK(hf(R"({"size": 8, "image_mean": 0.5})").normalization.mean ==
        std::array<double, 3>{0.5, 0.5, 0.5});
  CHECK(hf(R"({"size": 8, "image_mean": null})").normalization.mean == Normalization{}.mean);
  const auto timm = [](std::string_view text) {
    return timm_preprocessing(parse_json_values(text, "c.json"));
  };
  constexpr std::string_view squash =
      R"({"pretrained_cfg": {"input_size": [3, 8, 8], "crop_pct": 1.0, "crop_mode": "squash"}})";
  CHECK(timm(squash).shorter_side == 0);
  CHECK(timm(R"({"pretrained_cfg": {"input_size": [3, 8, 8], "crop_pct": 1.0}})").shorter_side ==
        8);
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
  CHECK(error_with("filter", "lanczos") == begin + "filter 'lanczos' is none");
  CHECK(error_with("height", "1000000") == begin + "height 1000000 is not between 1 and 16384");
  CHECK(error_with("std", "1 0 1") == begin + "std 0 is not positive");
  CHECK(error_with("std", "1 1 1 junk") == begin + "std is not three numbers");
  CHECK(error_with("mean", "1 1") == begin + "mean is not three numbers");
}

}  // namespace tessera::io::test
