#include "tessera/io/preprocessing/choose.hpp"

#include "support/catch.hpp"
#include "support/io/checkpoint.hpp"

namespace tessera::io::test {

TEST_CASE("settings are read from the files beside the weights") {
  const auto of = [](const std::string& name) {
    return preprocessing_for(open_checkpoint(Case(name).path()), {8, 8});
  };
  const Preprocessing vit = of("hf_vit");
  CHECK(vit.size == Size{8, 8});
  CHECK(vit.shorter_side == 0);
  CHECK(vit.resized == Size{8, 8});
  CHECK(vit.filter == Filter::bicubic);
  CHECK(vit.normalization.mean == imagenet_mean);
  const Preprocessing dinov2 = of("hf_dinov2");
  CHECK(dinov2.size == Size{8, 8});
  CHECK(dinov2.shorter_side == 9);
  CHECK(dinov2.rounding == CropRounding::down);
  const Preprocessing timm = of("timm_hub_head");
  CHECK(timm.size == Size{8, 10});
  CHECK(timm.resize == ResizeRule::cover);  // of unlike sides
  CHECK(timm.resized == Size{8, 11});
  CHECK(timm.normalization.mean[0] == 0.5);
  CHECK(timm.rounding == CropRounding::half_to_even);
  const Preprocessing mae =
      preprocessing_for(open_checkpoint(Case("mae_encoder").path()), {224, 224});
  CHECK(mae.size == Size{224, 224});
  CHECK(mae.shorter_side == 256);
  CHECK(mae.normalization.std == imagenet_std);
  CHECK(preprocessing_for(open_checkpoint(Case("mae_encoder").path()), {16, 32}).shorter_side == 0);
  CHECK(preprocessing_for(open_checkpoint(Case("mae_encoder").path()), {384, 384}).shorter_side ==
        384);
  const auto torchvision = known_preprocessing(Case("torchvision").open(), {224, 224});
  CHECK(torchvision.value->filter == Filter::bilinear);
  CHECK(torchvision.from == Origin::standard);
}

TEST_CASE("a file of settings without a class goes by the model's type") {
  const ScratchFolder folder;
  const auto settings_beside = [&](std::string_view config) {
    EditedFile("hf_vit").write(folder / "model.safetensors");
    write_file(folder / "config.json", bytes_of(config));
    write_file(folder / "preprocessor_config.json", bytes_of(R"({"size": 8})"));
    return known_preprocessing(open_checkpoint(folder / "model.safetensors", {.num_heads = 3}),
                               {8, 8});
  };
  const auto vit = settings_beside(R"({"model_type": "vit"})");
  CHECK(vit.from == Origin::preprocessor_config_json);
  CHECK(vit.value->resized == Size{8, 8});
  CHECK(file_error([&] { (void)settings_beside(R"({"model_type": "swin"})"); }) ==
        (folder / "preprocessor_config.json").string() +
            ": says no image_processor_type, which decides what its keys mean");
}

TEST_CASE("settings as text") {
  CHECK(preprocessing_text({}) ==
        "224 x 224 from a shorter side of 256 (bicubic), mean 0.485 0.456 0.406, std 0.229 0.224 "
        "0.225");
  const auto text = [](const Preprocessing& how) {
    const std::string whole = preprocessing_text(how);
    return whole.substr(0, whole.find(','));
  };
  CHECK(text({.resize = ResizeRule::exact, .resized = {224, 224}}) == "224 x 224 (bicubic)");
  CHECK(text({.resize = ResizeRule::exact, .resized = {256, 224}}) ==
        "224 x 224 from 256 x 224 (bicubic)");
  CHECK(text({.resize = ResizeRule::cover, .resized = {35, 106}, .filter = Filter::lanczos}) ==
        "224 x 224 from the smallest size with 35 x 106 within it (lanczos)");
  CHECK(text({.resize = ResizeRule::contain, .resized = {35, 106}, .filter = Filter::box}) ==
        "224 x 224 around the largest size within 35 x 106 (box)");
  CHECK(text({.resize = ResizeRule::none}) ==
        "224 x 224 from the middle of the picture as it is (bicubic)");
  CHECK(preprocessing_text({.shorter_side = 8, .longer_side = 9, .normalization = {.level = 1}})
            .find("from a shorter side of 8, a longer one of at most 9 (bicubic)") == 10);
  CHECK(preprocessing_text({.normalization = {.level = 1}}).ends_with(", of pixels / 1"));
}

}  // namespace tessera::io::test
