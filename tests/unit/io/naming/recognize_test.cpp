#include "tessera/io/naming/recognize.hpp"

#include "support/catch.hpp"
#include "support/heap/heap_watch.hpp"
#include "support/io/checkpoint.hpp"
#include "tessera/io/weights/load.hpp"

namespace tessera::io::test {

TEST_CASE("the naming of every published file is recognized, with nothing left over") {
  for (const std::string& name : case_names()) {
    const Case published(name);
    const Checkpoint file = open_checkpoint(published.path());
    INFO(name);
    CHECK(file.naming_id() == published.naming());
    CHECK(file.unexpected.empty());
    const bool has_head =
        published.expected.integer("num_classes") > 0 || published.expected.flag("pooler");
    CHECK(file.heads.empty() != has_head);
  }
}

TEST_CASE("what wrappers put into names is left out") {
  CHECK(detail::unwrapped("module.blocks.0.norm1.weight") == "blocks.0.norm1.weight");
  CHECK(detail::unwrapped("encoder.module._orig_mod.module.x") == "encoder.x");
  CHECK(detail::unwrapped("modules.x") == "modules.x");
  CHECK(detail::unwrapped("module") == "module");
  const ScratchFolder folder;
  EditedFile file("timm_fc_norm_head");
  EditedFile wrapped;
  for (const auto& [name, tensor] : file.tensors)
    wrapped.tensors["module._orig_mod." + name] = tensor;
  const Checkpoint opened = open_checkpoint(wrapped.write(folder / "w.safetensors"));
  CHECK(opened.naming_id() == "timm");
  CHECK(opened.unexpected.empty());
}

TEST_CASE("a long name is unwrapped in one pass") {
  std::string name = "a";
  for (int i = 0; i < 150'000; ++i) name += ".module";
  std::string plain;
  const std::size_t allocated =
      tessera::test::heap_bytes_of([&] { plain = detail::unwrapped(name + ".x"); });
  CHECK(plain == "a.x");
  CHECK(allocated < 5 * name.size());
}

TEST_CASE("chunks of blocks, as DINOv2 trains them, are read by the number of the block") {
  CHECK(detail::unwrapped("blocks.0.3.norm1.weight") == "blocks.3.norm1.weight");
  CHECK(detail::unwrapped("backbone.blocks.2.11.attn") == "backbone.blocks.11.attn");
  CHECK(detail::unwrapped("blocks.3.norm1.0.x") == "blocks.3.norm1.0.x");
  CHECK(detail::unwrapped("blocks.0.3") == "blocks.3");
  const ScratchFolder folder;
  const Case published("dinov2_plain");
  EditedFile chunked;
  for (const auto& [name, tensor] : EditedFile("dinov2_plain").tensors) {
    const std::string block = "blocks.0.";
    const bool first = name.starts_with(block);
    chunked.tensors[first ? "blocks.2.0." + name.substr(block.size()) : name] = tensor;
  }
  const Checkpoint file =
      open_checkpoint(chunked.write(folder / "f.safetensors"), published.options());
  CHECK(file.naming_id() == "dinov2");
  CHECK(file.unexpected.empty());
  CHECK(file.find("encoder.blocks.0.norm1.weight")->stored[0] == "blocks.2.0.norm1.weight");
  (void)load_encoder<float>(file);
}

TEST_CASE("a head's representation layer is part of the head, and iBOT's token is a mask token") {
  const ScratchFolder folder;
  EditedFile edited("timm_fc_norm_head");
  edited.add("pre_logits.fc.weight", {12, 12});
  edited.add("masked_embed", {1, 12});
  const Checkpoint file =
      open_checkpoint(edited.write(folder / "f.safetensors"), Case("timm_fc_norm_head").options());
  CHECK(file.naming_id() == "timm");
  CHECK(file.unexpected.empty());
  CHECK(std::ranges::count(file.heads, "pre_logits.fc.weight") == 1);
  const auto encoder = load_encoder<float>(file);
  CHECK(encoder.mask_token.value(0, 0, 0) == 0.5F);
}

TEST_CASE("other namings are mentioned only where a model of them has all that it needs") {
  const ScratchFolder folder;
  // LayerScale, but no mask token: DINOv2's code has more.
  EditedFile timm("dinov2_plain");
  timm.tensors.erase("mask_token");
  const Checkpoint scaled = open_checkpoint(timm.write(folder / "timm.safetensors"));
  CHECK(scaled.naming_id() == "timm");
  CHECK(scaled.equal.empty());
  EditedFile plain("timm_fc_norm_head");
  std::erase_if(plain.tensors, [](const auto& item) { return item.first.starts_with("head."); });
  plain.rename("fc_norm.weight", "norm.weight");
  plain.rename("fc_norm.bias", "norm.bias");
  const Checkpoint either = open_checkpoint(plain.write(folder / "plain.safetensors"));
  CHECK(either.naming_id() == "timm");
  CHECK(either.equal == std::vector<std::string_view>{"mae"});
}

TEST_CASE("an entry called model is a sign of the MAE code in a torch file alone") {
  const Checkpoint torch = Case("mae_encoder").open();
  CHECK(torch.entry == "model");
  CHECK(torch.naming_id() == "mae");
  const ScratchFolder folder;
  const Checkpoint file =
      open_checkpoint(EditedFile("mae_encoder").write(folder / "model.safetensors"));
  CHECK(file.entry == "model");
  CHECK(file.naming_id() == "timm");
  CHECK(file.equal == std::vector<std::string_view>{"mae"});
}

TEST_CASE("a file without tensors says so") {
  const ScratchFolder folder;
  const auto path = EditedFile().write(folder / "f.safetensors");
  for (const char* naming : {"", "timm", "tessera"}) {
    CHECK(file_error([&] { (void)open_checkpoint(path, {.naming = naming}); }) ==
          path.string() + ": holds no tensors");
  }
}

TEST_CASE("names of no known model are refused with the first of them") {
  const ScratchFolder folder;
  EditedFile file;
  file.add("layer1.0.conv1.weight", {4, 3, 3, 3});
  const auto path = file.write(folder / "resnet.safetensors");
  CHECK(file_error([&] { (void)open_checkpoint(path); }) ==
        path.string() +
            ": has names of no known model (the first is 'layer1.0.conv1.weight'); known namings "
            "are timm mae lightly lightly_legacy lightly_decoder lightly_predictor "
            "lightly_predictor_legacy ijepa "
            "torchvision torchvision_legacy lightly_torchvision hugging_face hugging_face_v5 "
            "dinov2 mmpretrain");
  // A few names that every model has make no encoder without a patch embedding.
  EditedFile norm;
  norm.add("norm.weight", {4});
  norm.add("cls_token", {1, 1, 4});
  const auto other = norm.write(folder / "norm.safetensors");
  CHECK(file_error([&] {
          (void)open_checkpoint(other);
        }).starts_with(other.string() + ": has names of no known model"));
}

TEST_CASE("a naming can be forced, and what it does not know is then unexpected") {
  const Case published("mae_visualize");
  const Checkpoint file = open_checkpoint(published.path(), {.naming = "timm"});
  CHECK(file.naming_id() == "timm");
  CHECK(file.unexpected.size() == 32);  // the decoder: two blocks of 12 and 8 around them
  CHECK(argument_error([&] {
          (void)open_checkpoint(published.path(), {.naming = "x"});
        }).starts_with("find_naming: there is no naming \"x\"; known are timm"));
  CHECK(file_error([&] { (void)open_checkpoint(published.path(), {.naming = "torchvision"}); }) ==
        published.path().string() + ": has no names of naming torchvision");
}

TEST_CASE("parts that do not make a whole are refused") {
  const ScratchFolder folder;
  const std::string attention = "encoder.layer.0.attention.attention.";
  const auto error_after = [&](const auto& change) {
    EditedFile file("hf_ijepa");
    change(file);
    const auto path = file.write(folder / "f.safetensors");
    const std::string text = file_error([&] { (void)open_checkpoint(path); });
    return text.substr(std::min(text.size(), path.string().size() + 2));
  };
  CHECK(error_after([&](EditedFile& file) { file.tensors.erase(attention + "key.weight"); }) ==
        "tensor '" + attention +
            "query.weight': is one of 3 parts of "
            "encoder.blocks.0.attn.qkv.weight, but the file has only 2");
  CHECK(error_after([&](EditedFile& file) { file.add(attention + "key.weight", {12, 11}); }) ==
        "tensor '" + attention + "key.weight': shape [12, 11] cannot be joined with [12, 12] of '" +
            attention + "query.weight'");
  CHECK(error_after([&](EditedFile& file) {
          file.tensors["ijepa.layernorm.bias"] = file.tensors["layernorm.bias"];
        }) ==
        "tensor 'layernorm.bias': stands for encoder.norm.bias, as 'ijepa.layernorm.bias' does");
}

}  // namespace tessera::io::test
