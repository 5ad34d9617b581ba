#include "tessera/models/presets.hpp"

#include "support/catch.hpp"
#include "support/models/tiny_models.hpp"
#include "support/throws.hpp"

namespace tessera::test {
namespace {

// The number of values of a model, by formula: the large presets need not exist to be counted. Held
// against real models below, and then against the counts of the published models.

Index hidden_size(Index dim, double ratio) {
  return static_cast<Index>(static_cast<double>(dim) * ratio);
}

Index count_linear(Index in, Index out, bool bias = true) { return in * out + (bias ? out : 0); }

Index count_block(Index dim, Index hidden, bool qkv_bias, bool layer_scale) {
  return 4 * dim + count_linear(dim, 3 * dim, qkv_bias) + count_linear(dim, dim) +
         count_linear(dim, hidden) + count_linear(hidden, dim) + (layer_scale ? 2 * dim : 0);
}

Index count_encoder(const MaskedVisionTransformerConfig& c) {
  const Index prefix = (c.class_token ? 1 : 0) + c.reg_tokens;
  const Index patches = c.image_size.count() / (c.patch_size * c.patch_size);
  const Index dim = c.embed_dim;
  return dim * (1 + prefix) + dim * (patches + (c.no_embed_class ? 0 : prefix)) +
         count_linear(c.in_chans * c.patch_size * c.patch_size, dim) +
         c.depth * count_block(dim, hidden_size(dim, c.mlp_ratio), c.qkv_bias,
                               c.init_values.has_value()) +
         2 * dim;
}

Index count_decoder(const MaskedVisionTransformerConfig& encoder, Index dim, Index depth,
                    double ratio, Index outputs, bool qkv_bias) {
  const Index prefix = (encoder.class_token ? 1 : 0) + encoder.reg_tokens;
  const Index patches = encoder.image_size.count() / (encoder.patch_size * encoder.patch_size);
  return count_linear(encoder.embed_dim, dim) + dim * (1 + prefix + patches) +
         depth * count_block(dim, hidden_size(dim, ratio), qkv_bias, false) + 2 * dim +
         count_linear(dim, outputs);
}

Index count_decoder(const MAEConfig& c) {
  const Index pixels = c.encoder.patch_size * c.encoder.patch_size * c.encoder.in_chans;
  return count_decoder(c.encoder, c.decoder_embed_dim, c.decoder_depth, c.decoder_mlp_ratio, pixels,
                       true);
}

Index count_predictor(const IJEPAConfig& c) {
  return count_decoder(c.encoder, c.predictor_embed_dim, c.predictor_depth, c.predictor_mlp_ratio,
                       c.encoder.embed_dim, c.encoder.qkv_bias);
}

TEST_CASE("presets: the counting formula counts real models") {
  for (const bool plain : {true, false}) {
    MAEConfig mae = tiny_mae();
    IJEPAConfig ijepa = tiny_ijepa();
    if (!plain) {
      mae.encoder.reg_tokens = 3;
      mae.encoder.init_values = 0.1;
      mae.encoder.no_embed_class = true;
      mae.encoder.mlp_ratio = 48.0 / 11.0;
      mae.decoder_depth = 3;
      ijepa.encoder.qkv_bias = false;
    }
    CHECK(parameter_count(MAE<float>(mae)) == count_encoder(mae.encoder) + count_decoder(mae));
    CHECK(parameter_count(IJEPA<float>(ijepa)) ==
          2 * count_encoder(ijepa.encoder) + count_predictor(ijepa));
  }
}

// The published encoders have no mask token: ours are larger by its width.

TEST_CASE("presets: MAE has the sizes of the published models") {
  const MAEConfig base = mae_config("mae_vit_base_patch16");
  CHECK(count_encoder(base.encoder) == 85'798'656 + 768);
  CHECK(count_decoder(base) == 26'109'184);
  const MAEConfig large = mae_config("mae_vit_large_patch16");
  CHECK(count_encoder(large.encoder) == 303'301'632 + 1024);
  CHECK(count_decoder(large) == 26'240'256);
  const MAEConfig huge = mae_config("mae_vit_huge_patch14");
  CHECK(count_encoder(huge.encoder) == 630'764'800 + 1280);
  CHECK(count_decoder(huge) == 26'309'708);
}

TEST_CASE("presets: I-JEPA has the sizes of the published models") {
  const IJEPAConfig huge = ijepa_config("ijepa_vit_huge_patch14");
  CHECK(count_encoder(huge.encoder) == 630'762'240 + 1280);
  CHECK(count_predictor(huge) == 22'377'728);
  IJEPAConfig fine = ijepa_config("ijepa_vit_huge_patch16");
  fine.encoder.image_size = {448, 448};
  CHECK(count_encoder(fine.encoder) == 631'668'480 + 1280);
  CHECK(count_predictor(fine) == 22'580'480);
  const IJEPAConfig giant = ijepa_config("ijepa_vit_giant_patch16");
  CHECK(count_encoder(giant.encoder) == 1'011'368'576 + 1408);
  CHECK(count_predictor(giant) == 29'550'976);
}

TEST_CASE("presets: MAE B/16 can be built") {
  CHECK(parameter_count(MAE<float>(mae_config("mae_vit_base_patch16"))) == 111'907'840 + 768);
}

TEST_CASE("presets: sizes are timm's") {
  const auto check = [](const MaskedVisionTransformerConfig& config, Index dim, Index depth,
                        Index heads, Index hidden, Index patch) {
    CHECK(config.embed_dim == dim);
    CHECK(config.depth == depth);
    CHECK(config.num_heads == heads);
    CHECK(hidden_size(dim, config.mlp_ratio) == hidden);
    CHECK(config.patch_size == patch);
    CHECK(config.image_size == Size{224, 224});
    CHECK(config.layer_norm_eps == 1e-6);
    CHECK(config.class_token);
  };
  check(vit_config("vit_tiny_patch16"), 192, 12, 3, 768, 16);
  check(vit_config("vit_small_patch16"), 384, 12, 6, 1536, 16);
  check(vit_config("vit_base_patch16"), 768, 12, 12, 3072, 16);
  check(vit_config("vit_large_patch16"), 1024, 24, 16, 4096, 16);
  check(vit_config("vit_huge_patch14"), 1280, 32, 16, 5120, 14);
  check(vit_config("vit_giant_patch16"), 1408, 40, 16, 6144, 16);
  check(vit_config("vit_base_patch32"), 768, 12, 12, 3072, 32);
}

TEST_CASE("presets: decoders and predictors are those of the published models") {
  for (const MAEConfig& config :
       {mae_config("mae_vit_base_patch16"), mae_config("mae_vit_large_patch16"),
        mae_config("mae_vit_huge_patch14")}) {
    CHECK(config.decoder_embed_dim == 512);
    CHECK(config.decoder_depth == 8);
    CHECK(config.decoder_num_heads == 16);
    CHECK(config.decoder_mlp_ratio == 4);
    CHECK_FALSE(config.norm_pix_loss);
  }
  for (const IJEPAConfig& config :
       {ijepa_config("ijepa_vit_small_patch16"), ijepa_config("ijepa_vit_huge_patch14"),
        ijepa_config("ijepa_vit_giant_patch16")}) {
    CHECK(config.predictor_embed_dim == 384);
    CHECK(config.predictor_num_heads == config.encoder.num_heads);
    CHECK(config.predictor_depth == (config.encoder.embed_dim == 1408 ? 16 : 12));
    CHECK_FALSE(config.encoder.class_token);
    CHECK(config.encoder.global_pool == GlobalPool::avg);
  }
}

TEST_CASE("presets: other names are refused") {
  for (const std::string name :
       {"vit_tall_patch16", "vit_base", "vit_base_patch", "vit_base_patch0", "vit_base_patch16_224",
        "vit_base_patch99999999999999999999", "mae_vit_base_patch16", "", "vit_basepatch16"}) {
    CHECK(error_of([&] { vit_config(name); }) ==
          "vit_config: there is no preset \"" + name +
              "\"; known are vit_{tiny,small,base,large,huge,giant}_patch<N>");
  }
  CHECK(error_of([] { mae_config("vit_base_patch16"); }) ==
        "mae_config: there is no preset \"vit_base_patch16\"; known are "
        "mae_vit_{tiny,small,base,large,huge,giant}_patch<N>");
  CHECK(error_of([] { ijepa_config("ijepa_vit_base_p16"); }) ==
        "ijepa_config: there is no preset \"ijepa_vit_base_p16\"; known are "
        "ijepa_vit_{tiny,small,base,large,huge,giant}_patch<N>");
}

}  // namespace
}  // namespace tessera::test
