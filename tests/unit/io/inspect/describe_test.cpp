#include "tessera/io/inspect/describe.hpp"

#include "support/catch.hpp"
#include "support/io/checkpoint.hpp"

namespace tessera::io::test {

namespace {

Description description_of(const std::string& name, CheckpointOptions options = {}) {
  return describe(open_checkpoint(Case(name).path(), std::move(options)));
}

std::string entry(const Description& description, std::string_view key) {
  for (const auto& [name, value] : description.table) {
    if (name == key) return value;
  }
  return "(none)";
}

}  // namespace

TEST_CASE("one line says what a file is and what it is good for") {
  CHECK(description_of("mae_visualize").headline ==
        "MAE with its decoder, 16 wide, 1 deep, patches of 4, 6568 values; good for features, "
        "rebuilding images, further training");
  CHECK(
      description_of("mae_encoder").headline ==
      "ViT encoder, 12 wide, 2 deep, patches of 2, 4164 values; good for features; no decoder, so "
      "it cannot rebuild images");
  CHECK(description_of("ijepa_zip").headline ==
        "I-JEPA, 12 wide, 1 deep, patches of 2, 5748 values; good for features of either encoder, "
        "further training");
  CHECK(description_of("dinov2_registers").headline.starts_with("ViT encoder with registers, "));
  CHECK(description_of("dinov2_plain").headline.starts_with("ViT encoder with LayerScale, "));
  CHECK(description_of("lightly_predictor").headline ==
        "I-JEPA predictor, 928 values; good for nothing without the encoders of its I-JEPA");
}

TEST_CASE("the table tells every fact and where it is from") {
  const Description mae = description_of("mae_training_norm_pix");
  CHECK(entry(mae, "format") == "PyTorch (zip)");
  CHECK(entry(mae, "naming") == "mae: facebookresearch/mae");
  CHECK(entry(mae, "kind") == "mae");
  CHECK(entry(mae, "encoder") == "width 12, 1 blocks, MLP 48");
  CHECK(entry(mae, "heads") == "not told by the file: give num_heads");
  CHECK(entry(mae, "image size") == "8 x 8 (naming)");
  CHECK(entry(mae, "norm_pix_loss") == "yes (args)");
  CHECK(entry(mae, "stored as") == "F32");
  CHECK(entry(description_of("mae_training_raw"), "other entries") == "optimizer");
  CHECK(entry(mae, "licence") ==
        "weights published with this code are CC BY-NC 4.0: not for commercial use");

  CHECK(entry(description_of("mae_visualize"), "norm_pix_loss") ==
        "not told by the file: give norm_pix_loss; by its name no (raw pixels)");
  CHECK(entry(description_of("mae_visualize", {.norm_pix_loss = false}), "norm_pix_loss") ==
        "no (given)");

  for (const char* name : {"hf_mae_published", "hf_mae_encoder", "lightly_mae"}) {
    CHECK(entry(description_of(name), "licence") ==
          "the file does not say; weights by the authors of MAE are CC BY-NC 4.0: not for "
          "commercial use");
  }
  CHECK(entry(description_of("hf_ijepa"), "licence") ==
        "the file does not say; weights by the authors of I-JEPA are CC BY-NC 4.0: not for "
        "commercial use");
  CHECK(entry(description_of("hf_vit"), "licence") == "the file does not say");
  CHECK(entry(description_of("mae_encoder", {.num_heads = 5}), "heads") ==
        "5 (given); cannot be: the width is 12");
  CHECK(entry(description_of("ijepa_zip", {.num_heads = 3}), "decoder heads") ==
        "3 (naming); cannot be: the width is 8");

  const Description timm = description_of("timm_hub_head");
  CHECK(entry(timm, "heads") == "3 (config.json)");
  CHECK(entry(timm, "licence") == "apache-2.0 (config.json)");
  CHECK(entry(timm, "decoder") == "none");
  CHECK(entry(timm, "head, not loaded") == "head.bias, head.weight");
  CHECK(entry(description_of("timm_odd_tensors"), "stored as").find("BF16 (") != std::string::npos);
  CHECK(entry(description_of("timm_swiglu"), "encoder") ==
        "width 12, 1 blocks, MLP 16 SwiGLU, LayerScale");
  CHECK(entry(description_of("timm_swiglu"), "prefix") ==
        "class token, 4 registers, without positions");
  CHECK(entry(description_of("hf_vit"), "encoder") == "width 12, 1 blocks, MLP 20, no qkv bias");
  CHECK(entry(description_of("ijepa_zip"), "  in the target encoder") == "2256");
}

TEST_CASE("every published file can be described") {
  for (const std::string& name : case_names()) {
    INFO(name);
    const Description description = description_of(name);
    CHECK(description.headline.find('\n') == std::string::npos);
    CHECK(entry(description, "unexpected") == "(none)");
    CHECK(description.table.size() > 8);
  }
}

}  // namespace tessera::io::test
