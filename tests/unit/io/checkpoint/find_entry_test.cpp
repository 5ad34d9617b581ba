#include "tessera/io/checkpoint/find_entry.hpp"

#include "support/catch.hpp"
#include "support/io/checkpoint.hpp"
#include "tessera/io/checkpoint/stack_shape.hpp"
#include "tessera/io/weights/load.hpp"

namespace tessera::io::test {

namespace {

/// A file with copies of an encoder behind these prefixes.
std::filesystem::path with_copies(const ScratchFolder& folder,
                                  const std::vector<std::string>& prefixes) {
  const EditedFile one("timm_fc_norm_head");
  EditedFile all;
  for (const std::string& prefix : prefixes) {
    for (const auto& [name, tensor] : one.tensors) all.tensors[prefix + name] = tensor;
  }
  all.add("optimizer.state.0.exp_avg", {3});
  return all.write(folder / "f.safetensors");
}

}  // namespace

TEST_CASE("the only part of a file that holds a model is found, however deep") {
  const ScratchFolder folder;
  for (const char* entry : {"model_ema", "net", "weights", "teacher.backbone", "a.b.c"}) {
    const auto path = with_copies(folder, {std::string(entry) + "."});
    const Checkpoint file = open_checkpoint(path);
    CHECK(file.entry == entry);
    CHECK(file.naming_id() == "timm");
    CHECK(file.unexpected.empty());
    CHECK(open_checkpoint(path, {.entry = entry}).tensors.size() == file.tensors.size());
  }
}

TEST_CASE("of several models one must be chosen, and the error lists them") {
  const ScratchFolder folder;
  const auto path = with_copies(folder, {"student.module.backbone.", "teacher.backbone."});
  CHECK(file_error([&] { (void)open_checkpoint(path); }) ==
        path.string() +
            ": holds several models; choose one with entry: 'student.module.backbone' "
            "'teacher.backbone'");
  CHECK(open_checkpoint(path, {.entry = "teacher.backbone"}).entry == "teacher.backbone");
  CHECK(file_error([&] {
          (void)open_checkpoint(path, {.entry = "optimizer"});
        }).starts_with(path.string() + ": has names of no known model"));
  CHECK(file_error([&] {
          (void)open_checkpoint(path, {.entry = "ema"});
        }).starts_with(path.string() + ": holds no tensors under 'ema'"));
}

TEST_CASE("what else a training checkpoint holds does not hide its model") {
  const ScratchFolder folder;
  const EditedFile one("timm_fc_norm_head");
  EditedFile all;
  for (const auto& [name, tensor] : one.tensors) {
    all.tensors["net." + name] = tensor;
    // Numbers of blocks are no entries either.
    const std::string block = "blocks.0.";
    if (!name.starts_with(block)) continue;
    for (int i = 1; i < 64; ++i) {
      all.tensors[concat("net.blocks.", i, ".", name.substr(block.size()))] = tensor;
    }
  }
  for (int i = 0; i < 300; ++i) {
    for (const char* moment : {"step", "exp_avg", "exp_avg_sq"}) {
      all.add(concat("optimizer.state.", i, ".", moment), {3});
    }
  }
  const Checkpoint file = open_checkpoint(all.write(folder / "f.safetensors"));
  CHECK(file.entry == "net");
  CHECK(detail::block_count(file, "encoder.") == 64);
}

TEST_CASE("an encoder under the name encoder is no I-JEPA") {
  const ScratchFolder folder;
  for (const char* entry :
       {"encoder", "target_encoder", "model.encoder", "net.encoder", "state_dict.model.encoder"}) {
    INFO(entry);
    const Checkpoint file = open_checkpoint(with_copies(folder, {std::string(entry) + "."}));
    CHECK(file.entry == entry);
    CHECK(file.naming_id() == "timm");
    CHECK(file.unexpected.empty());
    CHECK(file.contains("encoder.cls_token"));
  }
  const auto both = with_copies(folder, {"encoder.", "target_encoder."});
  CHECK(file_error([&] {
          (void)open_checkpoint(both);
        }).ends_with(": holds several models; choose one with entry: 'encoder' 'target_encoder'"));
}

TEST_CASE("a model with a name too many stays the whole that it is") {
  const ScratchFolder folder;
  for (const auto& [name, extra] :
       {std::pair("ijepa_zip", "encoder.module.head.weight"),
        std::pair("lightly_mae", "state_dict.backbone.vit.stray.weight"),
        std::pair("hf_mae_published", "vit.stray.weight")}) {
    INFO(name);
    EditedFile edited(name);
    const Checkpoint whole = open_checkpoint(edited.write(folder / "whole.safetensors"));
    edited.add(extra, {3});
    const Checkpoint file = open_checkpoint(edited.write(folder / "more.safetensors"));
    CHECK(file.entry == whole.entry);
    CHECK(file.naming_id() == whole.naming_id());
    CHECK(file.tensors.size() == whole.tensors.size());
    CHECK(file.unexpected.size() == whole.unexpected.size() + 1);
  }
}

TEST_CASE("too many parts that may be models are an error that names the entries to choose in") {
  const ScratchFolder folder;
  EditedFile many;
  for (int i = 0; i < 300; ++i) {
    for (const char* top : {"a", "b"}) {
      many.add(concat(top, ".", std::to_string(1000 + i), ".blocks.0.norm1.weight"), {3});
    }
  }
  const auto path = many.write(folder / "f.safetensors");
  CHECK(file_error([&] { (void)open_checkpoint(path); }) ==
        path.string() +
            ": has more than 256 parts that may be models; choose one with entry, in a, b");
}

TEST_CASE("a report says which entry was taken, and an error which others there are") {
  const auto path = Case("timm_training").path();
  const Checkpoint file = open_checkpoint(path, {.num_heads = 3});
  CHECK(file.entry == "state_dict");
  auto config = encoder_config(file, read_facts(file));
  MaskedVisionTransformer<float> vit(config);
  CHECK(load_weights(file, vit).summary().ends_with(
      "; from entry state_dict, beside state_dict_ema"));
  config.depth += 1;
  MaskedVisionTransformer<float> deeper(config);
  CHECK(file_error([&] {
          load_weights(file, deeper);
        }).ends_with("; other entries of the file, to be chosen with entry: state_dict_ema"));
}

}  // namespace tessera::io::test
