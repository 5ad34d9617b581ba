#include "tessera/io/weights/convert.hpp"

#include "support/catch.hpp"
#include "support/io/checkpoint.hpp"
#include "tessera/io/preprocessing.hpp"
#include "tessera/io/weights/load.hpp"

namespace tessera::io::test {

namespace {

/// The tensors of two checkpoints by our names; "" if they are the same to the bit.
std::string difference(const Checkpoint& a, const Checkpoint& b) {
  if (a.tensors.size() != b.tensors.size()) {
    return concat(a.tensors.size(), " and ", b.tensors.size(), " tensors");
  }
  for (const CheckpointTensor& tensor : a.tensors) {
    const CheckpointTensor* other = b.find(tensor.name);
    if (other == nullptr) return tensor.name + " is missing";
    std::vector<double> left, right;
    for (const auto& [file, list, of] :
         {std::tuple(&a, &left, &tensor), std::tuple(&b, &right, other)}) {
      for (const std::string& stored : of->stored) {
        const StoredTensor& found = file->source.tensor(stored);
        std::vector<double> part(static_cast<std::size_t>(found.element_count()));
        file->source.read_into(stored, std::span(part));
        list->insert(list->end(), part.begin(), part.end());
      }
    }
    if (left != right) return tensor.name + " differs";
    if (tensor.dtype != other->dtype) return tensor.name + " has another dtype";
  }
  return "";
}

}  // namespace

TEST_CASE("converting there and back changes no bit") {
  const ScratchFolder folder;
  const auto there = folder / "there.safetensors";
  const auto back = folder / "back.safetensors";
  for (const auto& [name, naming] :
       {std::pair("hf_mae_v5", "mae"), std::pair("mae_visualize", "hugging_face"),
        std::pair("ijepa_zip", "lightly"), std::pair("torchvision", "hugging_face_v5"),
        std::pair("hf_vit_f16", "timm"), std::pair("hf_ijepa_bf16", "timm"),
        std::pair("hf_dinov2", "dinov2"),
        std::pair("lightly_predictor", "lightly_predictor_legacy"),
        std::pair("lightly_torchvision", "torchvision")}) {
    INFO(name << " to " << naming);
    const Checkpoint file = open_checkpoint(Case(name).path());
    const ExportReport report = convert_weights(file, there, naming);
    const Checkpoint converted = open_checkpoint(there);
    CHECK(converted.naming_id() == naming);
    CHECK(converted.unexpected.empty());
    convert_weights(converted, back, file.naming_id());
    if (report.left_out.empty()) CHECK(difference(open_checkpoint(back), file) == "");
  }
}

TEST_CASE("nothing is asked for that the names do not need, and what is known goes along") {
  const ScratchFolder folder;
  const auto path = folder / "m.safetensors";
  convert_weights(open_checkpoint(Case("mae_training_norm_pix").path()), path, "hugging_face");
  CheckpointFacts facts = read_facts(open_checkpoint(path));
  CHECK_FALSE(facts.num_heads.value.has_value());
  CHECK(facts.norm_pix_loss.value == true);
  CHECK(facts.layer_norm_eps.value == 1e-6);
  CHECK(facts.image_size.from == Origin::metadata);
  const Checkpoint given = open_checkpoint(Case("mae_training_norm_pix").path(),
                                           {.num_heads = 3, .decoder_num_heads = 2});
  convert_weights(given, path, "hugging_face");
  facts = read_facts(open_checkpoint(path));
  CHECK(facts.num_heads.value == 3);
  CHECK(facts.decoder_num_heads.value == 2);
}

TEST_CASE("a stored type can be chosen, and heads are left out and named") {
  const ScratchFolder folder;
  const auto path = folder / "m.safetensors";
  const ExportReport report = convert_weights(open_checkpoint(Case("timm_hub_head").path()), path,
                                              "timm", {.dtype = Dtype::bf16});
  CHECK(report.left_out == std::vector<std::string>{"head.bias", "head.weight"});
  const TensorSource narrow = open_tensors(path);
  for (const StoredTensor& tensor : narrow.tensors()) CHECK(tensor.dtype == Dtype::bf16);
  convert_weights(open_checkpoint(Case("timm_odd_tensors").path()), path, "timm");
  const auto dtypes = open_checkpoint(path);
  CHECK(dtypes.tensors.size() == open_checkpoint(Case("timm_odd_tensors").path()).tensors.size());
}

TEST_CASE("a decoder is left out only when that is said") {
  const ScratchFolder folder;
  const auto path = folder / "m.safetensors";
  const Checkpoint mae = open_checkpoint(Case("mae_visualize").path());
  CHECK(argument_error([&] { convert_weights(mae, path, "timm"); }) ==
        mae.source.label() + ": NameWriter: naming timm has no names for such a model");
  CHECK(convert_weights(mae, path, "timm", {.encoder_only = true}).written.size() == 18);
  const Checkpoint ijepa = open_checkpoint(Case("ijepa_zip").path());
  CHECK(file_error([&] { convert_weights(ijepa, path, "timm", {.encoder_only = true}); }) ==
        Case("ijepa_zip").path().string() + ": holds a context and a target encoder; choose one");
  convert_weights(ijepa, path, "timm", {.encoder = EncoderChoice::target});
  CHECK(open_tensors(path).read<float, 1>("norm.bias") ==
        ijepa.source.read<float, 1>("target_encoder.module.norm.bias"));
  CHECK(file_error([&] {
          convert_weights(mae, path, "timm", {.encoder = EncoderChoice::target});
        }) == Case("mae_visualize").path().string() + ": has no target_encoder");
}

TEST_CASE("what is not wholly known is not converted") {
  const ScratchFolder folder;
  EditedFile file("timm_fc_norm_head");
  file.add("extra", {1});
  const auto path = file.write(folder / "f.safetensors");
  CHECK(file_error([&] { convert_weights(open_checkpoint(path), folder / "t", "lightly"); }) ==
        path.string() + ": tensor 'extra': has no place in naming timm");
  EditedFile own;
  own.add("weight", {1});
  const auto module = own.write(folder / "o.safetensors");
  CHECK(file_error([&] {
          convert_weights(open_checkpoint(module, {.naming = "tessera"}), folder / "t", "timm");
        }) == module.string() + ": is none of Tessera's models");
}

TEST_CASE("a file that is no whole model is not converted") {
  const ScratchFolder folder;
  const auto error_after = [&](const std::string& name, const auto& change,
                               const char* naming = "lightly") {
    EditedFile file(name);
    change(file);
    const auto path = file.write(folder / "f.safetensors");
    const std::string text = file_error(
        [&] { convert_weights(open_checkpoint(path), folder / "out.safetensors", naming); });
    CHECK_FALSE(std::filesystem::exists(folder / "out.safetensors"));
    return text.substr(std::min(text.size(), path.string().size() + 2));
  };
  using File = EditedFile;
  CHECK(error_after("mae_visualize", [](File& f) { f.tensors.erase("model.norm.weight"); }) ==
        "tensor 'norm.weight': is missing (naming mae)");
  CHECK(error_after("mae_visualize", [](File& f) { f.add("model.norm.weight", {}); }) ==
        "tensor 'norm.weight': has shape [], but the other tensors make it [16]");
  CHECK(error_after("timm_fc_norm_head", [](File& f) { f.add("blocks.0.ls1.gamma", {12}); }) ==
        "tensor 'blocks.0.ls2.gamma': is missing (naming timm)");
  CHECK(error_after("timm_swiglu", [](File& f) { f.tensors.erase("blocks.0.ls1.gamma"); }) ==
        "tensor 'blocks.0.ls2.gamma': has no place in a model of kind encoder as the other "
        "tensors make it");
  CHECK(error_after("timm_fc_norm_head", [](File& f) { f.add("norm.weight", {12}); }) ==
        "tensor 'norm.weight': has no place in a model of kind encoder as the other tensors "
        "make it");
  CHECK(error_after("timm_fc_norm_head", [](File& f) {
          for (const char* name : {"blocks.0.norm1.weight", "blocks.0.mlp.fc2.weight"}) {
            f.rename(name, std::string("blocks.2") + (name + 8));
          }
        }) == "tensor 'blocks.0.mlp.fc2.weight': is missing (naming timm)");
  CHECK(error_after(
            "lightly_predictor", [](File& f) { f.add("predictor_proj.bias", {1, 12}); },
            "lightly_predictor_legacy")
            .starts_with("tensor 'predictor_proj.bias': has shape [1, 12], but"));
  // 9 rows of positions: 3 x 3, or 2 x 4 and a class token.
  CHECK(error_after(
            "timm_fc_norm_head", [](File& f) { f.add("pos_embed", {1, 9, 12}); }, "mae") ==
        "image_size cannot be told from the file (9 positions are a square, or another grid with "
        "one for the class token); give image_size");
}

TEST_CASE("the position of a class token moves into it where a naming has no other place") {
  const ScratchFolder folder;
  const auto path = folder / "m.safetensors";
  const Checkpoint file = Case("dinov2_registers").open();
  convert_weights(file, path, "timm");
  const TensorSource converted = open_tensors(path);
  const auto positions = file.source.read<float, 3>("pos_embed");
  CHECK(converted.tensor("pos_embed").shape[1] == positions.dim(1) - 1);
  const auto token = file.source.read<float, 3>("cls_token");
  const auto moved = converted.read<float, 3>("cls_token");
  for (Index i = 0; i < token.size(); ++i) {
    CHECK(moved.data()[i] == token.data()[i] + positions.data()[i]);
  }
  CHECK(argument_error([&] {
          convert_weights(Case("timm_registers_embedded").open(), path, "dinov2");
        }).find("has") != std::string::npos);
}

TEST_CASE("how images are prepared goes along") {
  const ScratchFolder folder;
  const auto path = folder / "m.safetensors";
  for (const char* name : {"hf_dinov2", "timm_hub_head", "hf_vit"}) {
    INFO(name);
    const Checkpoint file = Case(name).open();
    const auto before = known_preprocessing(file, {8, 8});
    convert_weights(file, path, "lightly");
    const auto after = known_preprocessing(open_checkpoint(path), {8, 8});
    CHECK(after.from == Origin::metadata);
    CHECK(preprocessing_text(*after.value) == preprocessing_text(*before.value));
    CHECK(after.value->rounding == before.value->rounding);
    CHECK(after.value->normalization.mean == before.value->normalization.mean);
    CHECK(after.value->normalization.std == before.value->normalization.std);
  }
  convert_weights(Case("mae_encoder").open(), path, "timm");
  CHECK(known_preprocessing(open_checkpoint(path), {8, 8}).from == Origin::standard);

  // Settings that are not understood are no reason to keep sound weights.
  const ScratchFolder vit;
  EditedFile("hf_vit").write(vit / "model.safetensors");
  write_file(vit / "preprocessor_config.json",
             bytes_of(R"({"image_processor_type": "ViTImageProcessor", "resample": 0})"));
  const Checkpoint file = open_checkpoint(vit / "model.safetensors", {.num_heads = 3});
  const ExportReport report = convert_weights(file, path, "lightly");
  CHECK(std::ranges::any_of(report.left_out, [](const std::string& what) {
    return what.find("resample 0 is not supported") != std::string::npos;
  }));
  CHECK(known_preprocessing(open_checkpoint(path), {8, 8}).from == Origin::standard);
}

TEST_CASE("the grid of a decoder of ours goes along") {
  const ScratchFolder folder;
  const MaskedVisionTransformerDecoderConfig config{
      .grid = {2, 8}, .num_prefix_tokens = 1, .embed_dim = 16, .depth = 1, .num_heads = 2};
  save_weights(folder / "d.safetensors", MaskedVisionTransformerDecoder<float>(config));
  convert_weights(open_checkpoint(folder / "d.safetensors"), folder / "l.safetensors",
                  "lightly_decoder");
  const Checkpoint converted = open_checkpoint(folder / "l.safetensors");
  CHECK(read_facts(converted).decoder_grid.value == Size{2, 8});
}

}  // namespace tessera::io::test
