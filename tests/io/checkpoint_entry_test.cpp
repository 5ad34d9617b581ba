#include "tessera/io/checkpoint_entry.hpp"

#include "io/checkpoint_support.hpp"
#include "support/catch.hpp"
#include "tessera/io/load_weights.hpp"

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
