#include "tessera/io/preprocessing/hugging_face.hpp"

#include "support/catch.hpp"
#include "support/io/files.hpp"
#include "support/io/preprocessing_cases.hpp"
#include "tessera/io/json/values.hpp"

namespace tessera::io::test {

namespace {

Preprocessing read(std::string_view text, std::string_view model_type = "") {
  return hugging_face_preprocessing(parse_json_values(text, "p.json"), model_type);
}

std::string error_of(std::string_view text, std::string_view model_type = "") {
  return file_error([&] { (void)read(text, model_type); });
}

/// Settings of a ViTImageProcessor.
std::string vit(std::string_view settings) {
  return concat(R"({"image_processor_type": "ViTImageProcessor", )", settings, "}");
}

}  // namespace

TEST_CASE("transformers: every class, on pictures of twelve sizes") {
  const auto cases = preprocessing_cases("hugging_face");
  CHECK(cases.size() == 46);
  for (const PreprocessingCase& settings : cases) {
    CHECK(settings.pictures.size() == 12);
    for (const ExpectedPicture& picture : settings.pictures) {
      INFO(settings.settings << " of " << concat(picture.source));
      CHECK(picture_mismatch(picture, read(settings.settings)) == "");
    }
  }
}

TEST_CASE("transformers: a class that is not known is named with those that are") {
  const std::string known =
      "; these are: BeitImageProcessor, BitImageProcessor, BlipImageProcessor, CLIPImageProcessor, "
      "ChineseCLIPImageProcessor, ConvNextImageProcessor, DeiTImageProcessor, "
      "MobileNetV1ImageProcessor, PvtImageProcessor, SiglipImageProcessor, ViTImageProcessor";
  for (const std::string name : {"DINOv3ViTImageProcessorFast", "EfficientFormerImageProcessor",
                                 "MyFast", "Fast", "VideoMAEImageProcessor"}) {
    CHECK(error_of(concat(R"({"image_processor_type": ")", name, R"("})")) ==
          concat("p.json: image_processor_type '", name, "' is not known", known));
  }
  CHECK(error_of(R"({"size": 8})") ==
        "p.json: says no image_processor_type, which decides what its keys mean");
  CHECK(error_of(R"({"size": 8})", "swin") == error_of(R"({"size": 8})"));
  CHECK(error_of(R"({"image_processor_type": 3})") == "p.json: image_processor_type is not a text");
}

TEST_CASE("transformers: a file without a class has that of the model") {
  CHECK(read("{}", "vit").filter == Filter::bilinear);
  CHECK(read("{}", "vit_mae").size == Size{224, 224});
  CHECK(read("{}", "dinov2").shorter_side == 224);
  CHECK(read(R"({"size": 8})", "ijepa").resized == Size{8, 8});
  CHECK(read(R"({"image_processor_type": "DeiTImageProcessor"})", "vit").resized == Size{256, 256});
}

TEST_CASE("transformers: a key that is not understood is an error that names it") {
  for (const std::string key :
       {"max_size", "size_divisor", "do_thumbnail", "crop_pct", "do_reduce_labels", "offset"}) {
    CHECK(error_of(vit(concat("\"", key, "\": 1"))) ==
          concat("p.json: ", key, " is no setting that is known of ViTImageProcessor"));
  }
  CHECK(error_of(vit(R"("auto_map": {"AutoImageProcessor": "x.Y"})")) ==
        "p.json: auto_map is no setting that is known of ViTImageProcessor");
  CHECK(error_of(vit(R"("size": {"height": 8, "wide": 9})")) ==
        "p.json: size.wide is no setting that is known of sizes");
  CHECK(error_of(vit(R"("max_size": null, "size": 8)")) == "(no exception)");
}

TEST_CASE("transformers: settings of no known kind are refused with the file") {
  CHECK(error_of(vit(R"("size": 8, "resample": 0)")) ==
        "p.json: resample 0 is not supported; 1 to 5 are");
  CHECK(error_of(vit(R"("size": 8, "rescale_factor": 0)")) ==
        "p.json: rescale_factor 0 is not supported; positive ones are");
  CHECK(error_of(vit(R"("size": {"shortest_edge": 8})")) ==
        "p.json: size.shortest_edge without do_center_crop gives no one size");
  CHECK(error_of(vit(R"("size": 8, "do_resize": false)")) ==
        "p.json: do_resize false without do_center_crop gives no one size");
  CHECK(error_of(vit(R"("size": 20000)")) == "p.json: size 20000 is not between 1 and 16384");
  CHECK(error_of(
            vit(R"("size": {"shortest_edge": 99999}, "do_center_crop": true, "crop_size": 8)")) ==
        "p.json: size 99999 is not between 1 and 16384");
  CHECK(error_of(R"({"image_processor_type": "SiglipImageProcessor", "size": 8})") ==
        "p.json: size.shortest_edge without do_center_crop gives no one size");
  const std::string kinds =
      " is neither a number, height and width, nor shortest_edge, with or without longest_edge";
  for (const char* size : {R"({"height": 8})", R"({"longest_edge": 8})", "[8]",
                           R"({"height": 8, "shortest_edge": 8})"}) {
    CHECK(error_of(vit(concat(R"("size": )", size))) == "p.json: size" + kinds);
  }
  CHECK(error_of(vit(R"("size": 8, "do_center_crop": true)")) ==
        "p.json: do_center_crop needs crop_size, height and width");
  CHECK(error_of(vit(R"("size": 8, "do_center_crop": true, "crop_size": {"shortest_edge": 8})")) ==
        "p.json: do_center_crop needs crop_size, height and width");
  CHECK(error_of(vit(R"("size": 8, "image_mean": [0.5])")) ==
        "p.json: image_mean is not three numbers");
  CHECK(error_of(vit(R"("size": 8, "image_mean": [1, 1, 1, 1])")) ==
        "p.json: image_mean is not three numbers");
  CHECK(error_of(vit(R"("size": 8, "image_std": [1, 0, 1])")) ==
        "p.json: image_std 0 is not positive");
  CHECK(error_of(vit(R"("size": 8, "do_pad": true, "pad_size": 9)")) ==
        "p.json: pad_size is not supported unless it is the size of the image, 8 x 8");
  CHECK(error_of(vit(R"("size": 8, "do_pad": true)")) == "(no exception)");
  const auto convnext = [](std::string_view settings) {
    return error_of(
        concat(R"({"image_processor_type": "ConvNextImageProcessor", )", settings, "}"));
  };
  CHECK(convnext(R"("size": {"height": 8, "width": 8})") ==
        "p.json: size: ConvNextImageProcessor takes size.shortest_edge alone");
  CHECK(convnext(R"("size": 8, "crop_pct": 0)") == "p.json: crop_pct is not in (0, 1]");
  CHECK(convnext(R"("size": 8, "do_center_crop": true, "crop_size": 7)") ==
        "p.json: crop_size 7 x 7 of an image that is cut to 8 x 8 already is not supported");
}

TEST_CASE("transformers: switches, and what is left out is the class's") {
  const Normalization none = read(vit(R"("size": 8, "do_normalize": false)")).normalization;
  CHECK(none.mean == std::array<double, 3>{0, 0, 0});
  CHECK(none.std == std::array<double, 3>{1, 1, 1});
  CHECK(none.level == 255);
  CHECK(read(vit(R"("size": 8, "do_rescale": false)")).normalization.level == 1);
  CHECK(read(vit(R"("size": 8, "image_mean": 0.25)")).normalization.mean ==
        std::array<double, 3>{0.25, 0.25, 0.25});
  CHECK(read(vit(R"("size": 8, "image_mean": null)")).normalization.mean ==
        std::array<double, 3>{0.5, 0.5, 0.5});
  CHECK(read(R"({"image_processor_type": "PvtImageProcessor"})").normalization.mean ==
        imagenet_mean);
  const Preprocessing clip =
      read(R"({"image_processor_type": "CLIPImageProcessor", "use_square_size": true})");
  CHECK(clip.resize == ResizeRule::exact);
  CHECK(clip.resized == Size{224, 224});
}

}  // namespace tessera::io::test
