#include "tessera/io/checkpoint/stack_shape.hpp"

#include "support/catch.hpp"
#include "support/io/checkpoint.hpp"

namespace tessera::io::test {

namespace {

/// The error of stack_shape about a changed copy of a file, after the name of the file.
template <class Change>
std::string complaint_after(const Change& change) {
  const ScratchFolder folder;
  EditedFile file("mae_visualize");
  change(file);
  const auto path = file.write(folder / "f.safetensors");
  const Checkpoint opened = open_checkpoint(path);
  const std::string text = file_error([&] {
    (void)detail::stack_shape(opened, "encoder.");
    (void)detail::stack_shape(opened, "decoder.");
  });
  return text.substr(std::min(text.size(), path.string().size() + 2));
}

}  // namespace

TEST_CASE("an encoder or decoder shows its sizes in its tensors") {
  const Checkpoint file = open_checkpoint(Case("mae_visualize").path());
  const StackShape encoder = detail::stack_shape(file, "encoder.");
  CHECK(encoder.dim == 16);
  CHECK(encoder.depth == 1);
  CHECK(encoder.mlp_hidden == 64);
  CHECK(encoder.positions == 5);
  CHECK(encoder.qkv_bias);
  CHECK_FALSE(encoder.layer_scale);
  CHECK(encoder.gated == false);
  const StackShape decoder = detail::stack_shape(file, "decoder.");
  CHECK(decoder.dim == 8);
  CHECK(decoder.depth == 2);
  CHECK(decoder.mlp_hidden == 32);

  const StackShape gated =
      detail::stack_shape(open_checkpoint(Case("timm_swiglu").path()), "encoder.");
  CHECK(gated.gated);
  CHECK(gated.mlp_hidden == 16);
  CHECK(gated.layer_scale);
  CHECK_FALSE(detail::stack_shape(open_checkpoint(Case("hf_vit").path()), "encoder.").qkv_bias);
}

TEST_CASE("tensors that cannot belong to one model are refused") {
  using File = EditedFile;
  const std::string block = "model.decoder_blocks.1.";
  CHECK(complaint_after([&](File& f) { f.tensors.erase(block + "attn.proj.weight"); }) ==
        "tensor 'decoder_blocks.1.attn.proj.weight': is missing (naming mae)");
  CHECK(complaint_after([&](File& f) { f.add(block + "attn.qkv.weight", {24, 9}); }) ==
        "tensor 'decoder_blocks.1.attn.qkv.weight': has shape [24, 9], but the other tensors "
        "make it [24, 8]");
  CHECK(complaint_after([&](File& f) { f.add(block + "mlp.fc1.weight", {31, 8}); }) ==
        "tensor 'decoder_blocks.1.mlp.fc1.weight': has shape [31, 8], but the other tensors "
        "make it [32, 8]");
  CHECK(complaint_after([&](File& f) { f.add("model.pos_embed", {1, 5}); }) ==
        "tensor 'pos_embed': has shape [1, 5], but must have 3 dimensions");
  CHECK(complaint_after([&](File& f) { f.add("model.pos_embed", {2, 5, 16}); }) ==
        "tensor 'pos_embed': has shape [2, 5, 16], but the other tensors make it [1, 5, 16]");
  CHECK(complaint_after([&](File& f) { f.add("model.pos_embed", {1, 5, 0}); }) ==
        "tensor 'pos_embed': has shape [1, 5, 0], which holds no value");
}

TEST_CASE("a block that is missing between others is named") {
  const auto move = [](EditedFile& f, const std::string& from, const std::string& to) {
    EditedFile moved = f;
    for (const auto& [name, tensor] : f.tensors) {
      if (name.starts_with(from)) moved.rename(name, to + name.substr(from.size()));
    }
    f = moved;
  };
  const std::string blocks = "model.decoder_blocks.";
  CHECK(complaint_after([&](EditedFile& f) { move(f, blocks + "1.", blocks + "2."); }) ==
        "tensor 'decoder_blocks.1.attn.qkv.weight': is missing (naming mae)");
  CHECK(complaint_after([&](EditedFile& f) { f.add(blocks + "7.norm1.weight", {8}); }) ==
        "tensor 'decoder_blocks.2.attn.qkv.weight': is missing (naming mae)");
}

}  // namespace tessera::io::test
