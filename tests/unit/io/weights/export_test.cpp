#include "tessera/io/weights/export.hpp"

#include "support/catch.hpp"
#include "support/io/checkpoint.hpp"

namespace tessera::io::test {

TEST_CASE("a model that a naming cannot hold leaves the old file alone") {
  const ScratchFolder folder;
  const auto path = folder / "m.safetensors";
  MAE<float> mae({.encoder = {.image_size = {8, 8},
                              .patch_size = 4,
                              .embed_dim = 8,
                              .depth = 1,
                              .num_heads = 2,
                              .reg_tokens = 1},
                  .decoder_embed_dim = 4,
                  .decoder_depth = 1,
                  .decoder_num_heads = 1});
  const ExportReport report = export_weights(path, mae.encoder, "timm");
  CHECK(report.left_out == std::vector<std::string>{"encoder.mask_token"});
  const auto before = read_file(path, 1 << 20);
  CHECK(argument_error([&] { export_weights(path, mae, "timm"); }) ==
        "NameWriter: naming timm has no names for such a model");
  CHECK(argument_error([&] { export_weights(path, mae, "mae"); }) ==
        "export_weights: naming mae has no place for the positions of register tokens");
  CHECK(read_file(path, 1 << 20) == before);
  CHECK(folder.names() == std::set<std::string>{"m.safetensors"});
}

TEST_CASE("namings are for Tessera's models") {
  const ScratchFolder folder;
  const auto path = folder / "m.safetensors";
  const Linear<float> layer(2, 3);
  CHECK(argument_error([&] { export_weights(path, layer, "timm"); }) ==
        "export_weights: naming timm is for Tessera's models; a module of one's own keeps its "
        "names");
  CHECK(argument_error([&] {
          export_weights(path, layer, "x");
        }).starts_with("find_naming: there is no naming \"x\""));
  CHECK(folder.names().empty());
}

}  // namespace tessera::io::test
