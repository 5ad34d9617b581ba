// config.json and preprocessor_config.json: parsed, then read as the settings of a small encoder.

#include "fuzz/support.hpp"
#include "tessera/io/checkpoint/model_config.hpp"
#include "tessera/io/preprocessing.hpp"
#include "tessera/io/safetensors/writer.hpp"

namespace {

using namespace tessera;

/// An encoder of one block in Hugging Face's names, 2 wide.
std::vector<std::byte> small_encoder() {
  const std::vector<float> zeros(64, 0.0F);
  io::SafetensorsWriter file;
  const auto add = [&](const std::string& name, std::vector<Index> shape) {
    std::size_t count = 1;
    for (const Index extent : shape) count *= static_cast<std::size_t>(extent);
    file.add<float>(name, shape, std::span(zeros).first(count));
  };
  const std::string block = "encoder.layer.0.";
  for (const char* part : {"query", "key", "value"}) {
    add(block + "attention.attention." + part + ".weight", {2, 2});
  }
  add(block + "attention.output.dense.weight", {2, 2});
  add(block + "intermediate.dense.weight", {4, 2});
  add(block + "output.dense.weight", {2, 4});
  add("embeddings.cls_token", {1, 1, 2});
  add("embeddings.position_embeddings", {1, 5, 2});
  add("embeddings.patch_embeddings.projection.weight", {2, 3, 2, 2});
  return file.bytes();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::vector<std::byte> bytes = small_encoder();
  static io::Checkpoint file = io::open_checkpoint(io::open_tensors(bytes, "input"));
  io::fuzz::read_or_refuse([&] {
    const io::JsonValues config =
        io::parse_json_values(io::detail::text_of_bytes(io::fuzz::bytes_of(data, size)), "input");
    // Files without a class are read as those of several.
    for (const char* type : {"", "vit", "clip", "deit", "dinov2"}) {
      io::fuzz::read_or_refuse([&] { (void)io::hugging_face_preprocessing(config, type); });
    }
    io::fuzz::read_or_refuse([&] { (void)io::timm_preprocessing(config); });
    file.config = config;
    const auto encoder = io::encoder_config(file, io::read_facts(file));
    io::fuzz::require_that(encoder.embed_dim % encoder.num_heads == 0 &&
                           encoder.image_size.count() == 16);
  });
  return 0;
}
