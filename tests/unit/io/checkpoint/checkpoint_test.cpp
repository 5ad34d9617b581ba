#include "tessera/io/checkpoint/checkpoint.hpp"

#include "support/catch.hpp"
#include "support/io/checkpoint.hpp"

namespace tessera::io::test {

TEST_CASE("a checkpoint has our names, joined shapes and the names in the file") {
  const Checkpoint file = open_checkpoint(Case("hf_mae_saved").path());
  const CheckpointTensor* tensor = file.find("decoder.blocks.1.attn.qkv.weight");
  REQUIRE(tensor != nullptr);
  CHECK(tensor->shape == std::vector<Index>{24, 8});
  CHECK(tensor->dtype == Dtype::f32);
  const std::string attention = "decoder.decoder_encoder.layer.1.attention.attention.";
  CHECK(tensor->stored == std::vector<std::string>{attention + "query.weight",
                                                   attention + "key.weight",
                                                   attention + "value.weight"});
  CHECK(file.find("decoder.blocks.2.attn.qkv.weight") == nullptr);
  CHECK(file.contains_part("decoder."));
  CHECK(file.contains_part("encoder.blocks.1."));
  CHECK_FALSE(file.contains_part("predictor"));
  CHECK_FALSE(file.contains_part("z"));
}

TEST_CASE("of a training checkpoint the model is taken, and another entry when asked for") {
  const auto path = Case("timm_training").path();
  const Checkpoint file = open_checkpoint(path);
  CHECK(file.tensors[0].stored[0] == "blocks.0.attn.proj.bias");
  CHECK(file.others == std::vector<std::string>{"state_dict_ema"});
  const Checkpoint average = open_checkpoint(path, {.entry = "state_dict_ema"});
  CHECK(average.tensors.size() == file.tensors.size());
  CHECK(average.others == std::vector<std::string>{"state_dict"});
  const auto first = [](const Checkpoint& of) {
    return of.source.read<float, 1>("blocks.0.attn.proj.bias");
  };
  CHECK_FALSE(first(average) == first(file));
  CHECK(file_error([&] { (void)open_checkpoint(path, {.entry = "ema"}); }) ==
        path.string() + ": holds no tensors under 'ema'; there are 'state_dict' 'state_dict_ema'");

  const Checkpoint ijepa = open_checkpoint(Case("ijepa_zip").path());
  CHECK(ijepa.others == std::vector<std::string>{"opt"});
  CHECK(ijepa.unexpected.empty());
  CHECK(ijepa.contains("target_encoder.norm.bias"));
}

TEST_CASE("config.json is read beside the file, elsewhere, or not at all") {
  const Case published("hf_vit");
  CHECK(open_checkpoint(published.path()).config.get<Index>("hidden_size") == 12);
  CHECK(open_checkpoint(published.path(), {.config = ""}).config.values().empty());
  const auto other = Case("hf_vit_head").folder() / "config.json";
  CHECK(open_checkpoint(published.path(), {.config = other}).config.label() == other.string());
  CHECK(file_error([&] {
          (void)open_checkpoint(published.path(), {.config = "/none.json"});
        }).starts_with("/none.json: cannot be opened"));
  const ScratchFolder folder;
  const auto path = EditedFile("hf_vit").write(folder / "model.safetensors");
  CHECK(open_checkpoint(path).config.values().empty());
  write_file(folder / "config.json", bytes_of("{]"));
  CHECK(file_error([&] { (void)open_checkpoint(path); }) ==
        (folder / "config.json").string() + ": is not JSON in UTF-8 (stopped at its byte 2)");
}

TEST_CASE("a file of the model's own names says which model it is") {
  const ScratchFolder folder;
  EditedFile file;
  file.add("norm.weight", {4});
  file.metadata = {{"tessera.naming", "tessera"}, {"tessera.kind", "encoder"}};
  const Checkpoint opened = open_checkpoint(file.write(folder / "own.safetensors"));
  CHECK(opened.naming == nullptr);
  CHECK(opened.naming_id() == "tessera");
  CHECK(opened.contains("encoder.norm.weight"));
  file.metadata.clear();
  const auto path = file.write(folder / "own.safetensors");
  CHECK(open_checkpoint(path, {.naming = "tessera"}).contains("norm.weight"));
}

}  // namespace tessera::io::test
