// Files as people have them, each with its right value (tests/golden/inputs). Right features are
// PyTorch's: the sum of |encode| over the image sin(0.37 k) is 331.8792 for the weights of
// plain.pth.

#include <cmath>

#include "support/catch.hpp"
#include "support/heap/heap_watch.hpp"
#include "support/io/checkpoint.hpp"
#include "support/near.hpp"
#include "tessera/io/checkpoint/facts.hpp"
#include "tessera/io/inspect.hpp"
#include "tessera/io/weights/convert.hpp"
#include "tessera/io/weights/load.hpp"

namespace tessera::io::test {

using tessera::test::near;

namespace {

std::filesystem::path input(const char* name) { return golden / "inputs" / name; }

double feature_sum(const MaskedVisionTransformer<float>& encoder) {
  Tensor<float, 4> image({1, 3, 32, 32});
  for (Index k = 0; k < image.size(); ++k) {
    image.data()[k] = static_cast<float>(std::sin(0.37 * static_cast<double>(k)));
  }
  double sum = 0;
  for (const float value : encoder.encode(image).value()) sum += std::abs(double(value));
  return sum;
}

/// The sum for a file whose encoder has 3 heads.
double feature_sum(const std::filesystem::path& path) {
  return feature_sum(load_encoder<float>(open_checkpoint(path, {.num_heads = 3})));
}

std::string open_error(const std::filesystem::path& path) {
  const std::string text = file_error([&] { (void)open_checkpoint(path, {.num_heads = 3}); });
  return text.substr(std::min(text.size(), path.string().size() + 2));
}

/// A file with all tensors of plain.pth under other names; a name that becomes empty is left out.
template <class Rename>
std::filesystem::path renamed(const ScratchFolder& folder, const Rename& rename) {
  EditedFile all;
  for (const auto& [name, tensor] : EditedFile(open_tensors(input("plain.pth"))).tensors) {
    const std::string other = rename(name);
    if (!other.empty()) all.tensors[other] = tensor;
  }
  return all.write(folder / "f.safetensors");
}

}  // namespace

TEST_CASE("real inputs: one model in several namings and wrappers has the features of PyTorch") {
  for (const char* name : {"plain.pth", "fsdp_middle.pth", "mmpretrain.pth"}) {
    INFO(name);
    CHECK(feature_sum(input(name)) == near(331.8792, 1e-3));
  }
  CHECK(open_checkpoint(input("mmpretrain.pth")).naming_id() == "mmpretrain");
  const ScratchFolder folder;
  for (const char* wrapper : {"module", "_orig_mod", "_fsdp_wrapped_module", "_fpw_module",
                              "_checkpoint_wrapped_module", "_forward_module"}) {
    INFO(wrapper);
    // In front of every name, and within the blocks.
    CHECK(feature_sum(renamed(folder, [&](const std::string& name) {
            return concat(wrapper, ".", name);
          })) == near(331.8792, 1e-3));
    CHECK(feature_sum(renamed(folder, [&](const std::string& name) {
            const std::string begin = name.substr(0, 9);
            return begin == "blocks.0." ? concat(begin, wrapper, ".", name.substr(9)) : name;
          })) == near(331.8792, 1e-3));
  }
}

TEST_CASE("real inputs: two tensors that are one without their wrappers are refused") {
  const ScratchFolder folder;
  EditedFile file{open_tensors(input("plain.pth"))};
  file.tensors["module.norm.bias"] = file.tensors["norm.bias"];
  const auto path = file.write(folder / "f.safetensors");
  CHECK(open_error(path) ==
        "tensor 'norm.bias': stands for encoder.norm.bias, as 'module.norm.bias' does");
}

TEST_CASE(
    "real inputs: models of other kinds are named, and none is said to be good for features") {
  CHECK(
      open_error(input("deit_distilled.pth")).starts_with("is a distilled DeiT ('dist_token'): "));
  const ScratchFolder folder;
  for (const auto& [name, shape, said] :
       {std::tuple("norm_pre.weight", std::vector<Index>{24}, "is a CLIP encoder of timm"),
        std::tuple("attn_pool.latent", std::vector<Index>{1, 1, 24}, "is a SigLIP encoder of timm"),
        std::tuple("blocks.0.gamma_1", std::vector<Index>{24}, "is a BEiT, EVA or CaiT"),
        std::tuple("storage_tokens", std::vector<Index>{1, 4, 24}, "is a DINOv3")}) {
    EditedFile file{open_tensors(input("plain.pth"))};
    file.add(name, shape);
    CHECK(open_error(file.write(folder / "f.safetensors")).starts_with(said));
  }
  EditedFile odd{open_tensors(input("plain.pth"))};
  odd.add("blocks.1.norm3.weight", {24});
  const Description description =
      describe(open_checkpoint(odd.write(folder / "odd.safetensors"), {.num_heads = 3}));
  CHECK(description.headline.find("good for") == std::string::npos);
  CHECK(description.headline.ends_with(
      "; cannot be loaded as it is: tensor 'blocks.1.norm3.weight' has no place in naming timm"));
}

TEST_CASE("real inputs: a mask token in an encoder's file is the encoder's, and no decoder") {
  const ScratchFolder folder;
  EditedFile file{open_tensors(input("plain.pth"))};
  std::erase_if(file.tensors, [](const auto& item) { return item.first.starts_with("head."); });
  file.add("mask_token", {1, 1, 24});
  for (const char* naming : {"", "mae"}) {
    const Checkpoint opened =
        open_checkpoint(file.write(folder / "f.safetensors"), {.naming = naming, .num_heads = 3});
    CHECK(read_facts(opened).kind == ModelKind::encoder);
    const auto encoder = load_encoder<float>(opened);
    CHECK(encoder.mask_token.value(0, 0, 0) == 0.5F);
    CHECK(feature_sum(encoder) == near(331.8792, 1e-3));
  }
}

TEST_CASE("real inputs: a tensor without bytes decides no size, and little memory says so") {
  const auto path = input("reg_2_24.safetensors");
  std::string error;
  const std::size_t grown = tessera::test::heap_growth_of(
      [&] { error = file_error([&] { (void)load_encoder<float>(path); }); });
  CHECK(error == path.string() +
                     ": tensor 'reg_token': has shape [1, 16777216, 0], but the other tensors make "
                     "it [1, 16777216, 32]");
  CHECK(grown < std::size_t{1} << 22);
  const ScratchFolder folder;
  for (const auto& [name, shape] :
       {std::pair("pos_embed", std::vector<Index>{1, Index{1} << 24, 0}),
        std::pair("pos_embed", std::vector<Index>{1, 0, 24}),
        std::pair("blocks.0.mlp.fc2.weight", std::vector<Index>{0, Index{1} << 24}),
        std::pair("patch_embed.proj.weight", std::vector<Index>{24, 0, 4096, 4096}),
        std::pair("reg_token", std::vector<Index>{1, 0, 24})}) {
    INFO(name);
    EditedFile file{open_tensors(input("plain.pth"))};
    file.add(name, shape);
    const auto empty = file.write(folder / "f.safetensors");
    std::string text;
    const std::size_t heap = tessera::test::heap_growth_of([&] {
      text =
          file_error([&] { (void)load_encoder<float>(open_checkpoint(empty, {.num_heads = 3})); });
    });
    CHECK(text.starts_with(empty.string() + ": tensor '" + name + "': has shape "));
    CHECK(heap < std::size_t{1} << 22);
  }
}

TEST_CASE("real inputs: a number that is not finite is refused with the file and the key") {
  const auto path = input("eps_inf.safetensors");
  CHECK(file_error([&] { (void)load_encoder<float>(path); }) ==
        path.string() + ": layer_norm_eps inf (metadata) is not positive and finite");
}

TEST_CASE("real inputs: modules beside a model are left out and reported") {
  const ScratchFolder folder;
  EditedFile mae("lightly_mae");
  mae.add("state_dict.online_classifier.classification_head.weight", {3, 12});
  mae.add("state_dict.teacher_center.value", {3});
  const Case published("lightly_mae");
  const Checkpoint file = open_checkpoint(mae.write(folder / "f.safetensors"), published.options());
  CHECK(file.unexpected.empty());
  CHECK(file.partners.size() == 2);
  (void)load_mae<float>(file);
  MaskedVisionTransformer<float> encoder(encoder_config(file, read_facts(file)));
  const LoadReport report = load_weights(file, encoder, {.encoder_only = true});
  CHECK(report.partners == std::vector<std::string>{"online_classifier.classification_head.weight",
                                                    "teacher_center.value"});
  CHECK(report.summary().find("2 of modules beside the model left out") != std::string::npos);

  // Beside names at the top only modules of usual names are partners.
  EditedFile plain{open_tensors(input("plain.pth"))};
  plain.add("online_classifier.weight", {3, 24});
  plain.add("surprise.weight", {3});
  const Checkpoint top = open_checkpoint(plain.write(folder / "top.safetensors"), {.num_heads = 3});
  CHECK(top.partners == std::vector<std::string>{"online_classifier.weight"});
  CHECK(top.unexpected == std::vector<std::string>{"surprise.weight"});
  CHECK(
      file_error([&] { (void)load_encoder<float>(top); }).ends_with("unexpected surprise.weight"));
  CHECK(feature_sum(load_encoder<float>(top, {.allow_unexpected = true})) == near(331.8792, 1e-3));
}

TEST_CASE("real inputs: an MAE of lightly with MAEDecoderTIMM is one, and is written back") {
  const ScratchFolder folder;
  const Case published("mae_visualize");
  convert_weights(published.open(), folder / "old.safetensors", "lightly_legacy");
  const TensorSource names = open_tensors(folder / "old.safetensors");
  CHECK(names.contains("backbone.vit.blocks.0.attn.qkv.weight"));
  CHECK(names.contains("decoder.decoder_blocks.1.mlp.fc1.bias"));
  CHECK(names.contains("decoder.mask_token"));
  CHECK(names.contains("decoder.decoder_pred.weight"));
  EditedFile stripped(names);  // of what Tessera adds as metadata
  const Checkpoint file =
      open_checkpoint(stripped.write(folder / "f.safetensors"), published.options());
  CHECK(file.naming_id() == "lightly_legacy");
  CHECK(file.unexpected.empty());
  CHECK(load_mae<float>(file).decoder.pos_embed.value ==
        load_mae<float>(published.open()).decoder.pos_embed.value);
}

TEST_CASE("real inputs: a predictor, or the decoder beside an encoder, loads alone") {
  const Case ijepa("ijepa_zip");
  CHECK(load_decoder<float>(ijepa.open()).blocks[0].norm1.weight.value ==
        load_ijepa<float>(ijepa.open()).predictor.blocks[0].norm1.weight.value);
  const Case mae("mae_visualize");
  CHECK(load_decoder<float>(mae.open()).mask_token.value ==
        load_mae<float>(mae.open()).decoder.mask_token.value);
}

TEST_CASE("real inputs: heads and activation are those of timm's model of that name and size") {
  const auto facts = [](const char* config, CheckpointOptions options = {}) {
    return read_facts(open_checkpoint(open_tensors(input("plain.pth")), std::move(options),
                                      parse_json_values(config, "config.json")));
  };
  // 24 wide: no model of that name has this size.
  CHECK_FALSE(facts(R"({"architecture": "vit_base_patch16_224"})").num_heads.value.has_value());
  CHECK(facts(R"({"architecture": "vit_so400m_patch16_siglip_gap_256"})").activation.value ==
        Activation::gelu_tanh);
  CHECK(
      facts(R"({"architecture": "x", "model_args": {"act_layer": "gelu_tanh"}})").activation.from ==
      Origin::config_json);
  CHECK(facts("{}").activation.value == Activation::gelu);
  CHECK(facts("{}").activation.from == Origin::standard);
  CHECK(facts("{}", {.activation = Activation::gelu_tanh}).activation.from == Origin::given);
}

}  // namespace tessera::io::test
