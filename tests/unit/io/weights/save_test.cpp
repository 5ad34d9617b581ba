#include "tessera/io/weights/save.hpp"

#include "support/catch.hpp"
#include "support/io/checkpoint.hpp"
#include "support/models/random_model.hpp"
#include "tessera/io/checkpoint/model_config.hpp"

namespace tessera::io::test {

TEST_CASE("a saved model is made again from its file alone") {
  const ScratchFolder folder;
  const auto path = folder / "m.safetensors";
  MAE<float> mae({.encoder = {.image_size = {8, 12},
                              .patch_size = 4,
                              .in_chans = 2,
                              .embed_dim = 8,
                              .depth = 1,
                              .num_heads = 4,
                              .mlp_ratio = 1.5,
                              .reg_tokens = 2,
                              .layer_norm_eps = 1.25e-7},
                  .decoder_embed_dim = 4,
                  .decoder_depth = 2,
                  .decoder_num_heads = 2,
                  .norm_pix_loss = true});
  tessera::test::randomize(mae, 1);
  save_weights(path, mae);
  const Checkpoint file = open_checkpoint(path);
  CHECK(file.naming_id() == "tessera");
  const MAEConfig config = mae_config(file, read_facts(file));
  CHECK(config.encoder.image_size == Size{8, 12});
  CHECK(config.encoder.num_heads == 4);
  CHECK(config.encoder.reg_tokens == 2);
  CHECK(config.encoder.in_chans == 2);
  CHECK(config.encoder.layer_norm_eps == 1.25e-7);
  CHECK(config.decoder_num_heads == 2);
  CHECK(config.decoder_depth == 2);
  CHECK(config.norm_pix_loss);
  CHECK_FALSE(config.encoder.no_embed_class);

  save_weights(path, mae.decoder);
  const Checkpoint decoder = open_checkpoint(path);
  const auto decoder_alone = decoder_config(decoder, read_facts(decoder));
  CHECK(decoder_alone.grid == Size{2, 3});
  CHECK(decoder_alone.num_prefix_tokens == 3);
  CHECK(decoder_alone.num_heads == 2);
}

TEST_CASE("metadata is for the Python packages, for Tessera, and for the caller") {
  const ScratchFolder folder;
  const auto path = folder / "m.safetensors";
  const Linear<float> layer(2, 3);
  save_weights(path, layer, {.metadata = {{"note", "mine"}}});
  CHECK(open_tensors(path).metadata() ==
        TensorMetadata{{"format", "pt"}, {"note", "mine"}, {"tessera.naming", "tessera"}});
  CHECK(open_tensors(path).contains("bias"));
}

TEST_CASE("metadata that the library writes itself cannot be given, and the old file stays") {
  const ScratchFolder folder;
  const auto path = folder / "m.safetensors";
  const MaskedVisionTransformer<float> model(
      {.image_size = 8, .patch_size = 4, .embed_dim = 8, .depth = 1, .num_heads = 2});
  save_weights(path, model);
  const std::string before = text_of_file(path);
  for (const std::string key : {"tessera.num_heads", "tessera.naming", "tessera.kind", "format"}) {
    CHECK(argument_error([&] { save_weights(path, model, {.metadata = {{key, "4"}}}); }) ==
          "SaveOptions::metadata: key '" + key + "' is one that the library writes");
  }
  CHECK(text_of_file(path) == before);
}

}  // namespace tessera::io::test
