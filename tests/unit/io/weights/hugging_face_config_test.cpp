#include "tessera/io/weights/hugging_face_config.hpp"
#include "tessera/io/weights/rename.hpp"

#include "support/catch.hpp"
#include "support/io/checkpoint.hpp"

namespace tessera::io::test {

TEST_CASE("a config.json for Hugging Face says what its own says") {
  for (const char* name : {"hf_mae_published", "hf_ijepa", "hf_vit", "hf_dinov2",
                           "hf_dinov2_registers", "hf_dinov2_swiglu", "hf_vit_sharded"}) {
    INFO(name);
    const Checkpoint file = Case(name).open();
    const JsonValues made =
        parse_json_values(hugging_face_config(file, read_facts(file)), "config.json");
    CHECK(made.values().size() > 8);
    for (const auto& [key, value] : made.values()) {
      INFO(key);
      REQUIRE(file.config.contains(key));
      CHECK(file.config.values().at(key) == value);
    }
  }
}

TEST_CASE("what is not known is asked for, and what no class has is refused") {
  const auto error = [](const std::string& name, CheckpointOptions options = {}) {
    const auto path = Case(name).path();
    const Checkpoint file = open_checkpoint(path, std::move(options));
    const std::string text = file_error([&] { (void)hugging_face_config(file, read_facts(file)); });
    return text.substr(std::min(text.size(), path.string().size() + 2));
  };
  CHECK(error("mae_encoder").starts_with("num_heads cannot be told from the file"));
  CHECK(error("dinov2_plain", {.num_heads = 3}) == "no class of Hugging Face has such an MLP");
  CHECK(detail::dinov2_mlp_ratio(12, 24, false) == 2);
  CHECK(detail::dinov2_mlp_ratio(12, 25, false) == std::nullopt);
  CHECK(detail::dinov2_mlp_ratio(1536, 4096, true) == 4);
}

}  // namespace tessera::io::test
