#include "tessera/io/checkpoint/checkpoint.hpp"

#include "support/catch.hpp"
#include "support/io/checkpoint.hpp"

namespace tessera::io::test {

TEST_CASE("a folder stands for the weights in it") {
  const ScratchFolder folder;
  const auto path = folder / "";
  const auto touch = [&](const char* name) { write_file(folder / name, bytes_of("x")); };
  const std::string label = path.string() + ": ";
  CHECK(file_error([&] { (void)find_weights(path); }) ==
        label + "is a folder without a weights file");
  touch("config.json");
  touch("mine.pth.tar");
  CHECK(find_weights(path) == path / "mine.pth.tar");
  touch("other.safetensors");
  CHECK(file_error([&] { (void)find_weights(path); }) ==
        label + "is a folder of several weights files; give one: mine.pth.tar, other.safetensors");
  touch("pytorch_model.bin");
  CHECK(find_weights(path) == path / "pytorch_model.bin");
  touch("model.safetensors.index.json");
  CHECK(find_weights(path) == path / "model.safetensors.index.json");
  CHECK(find_weights(folder / "none") == folder / "none");
}

TEST_CASE("checkpoints open by their folder, in one file or in several") {
  for (const char* name : {"hf_vit", "hf_vit_sharded", "hf_vit_bin"}) {
    const Checkpoint file = open_checkpoint(Case(name).folder());
    CHECK(file.source.label() == Case(name).path().string());
    CHECK(file.config.contains("model_type"));
  }
}

}  // namespace tessera::io::test
