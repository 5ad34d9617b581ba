#pragma once

#include "support/fixture.hpp"
#include "tessera/models/ijepa.hpp"
#include "tessera/models/mae.hpp"

namespace tessera::test {

/// Fixtures give the hidden size, configs a ratio whose product with the width is rounded down.
inline double ratio_of(Index hidden, Index dim) {
  return (static_cast<double>(hidden) + 0.5) / static_cast<double>(dim);
}

/// The encoder that the metadata of a fixture describes. Without pooling: avg, which goes unused.
inline MaskedVisionTransformerConfig encoder_config(const Fixture& fixture) {
  const std::string init_values = fixture.text("init_values");
  const Index dim = fixture.integer("embed_dim");
  return {
      .image_size = {fixture.integer("image_height"), fixture.integer("image_width")},
      .patch_size = fixture.integer("patch_size"),
      .in_chans = fixture.integer("in_chans"),
      .embed_dim = dim,
      .depth = fixture.integer("depth"),
      .num_heads = fixture.integer("num_heads"),
      .mlp_ratio = ratio_of(fixture.integer("mlp_hidden"), dim),
      .qkv_bias = fixture.flag("qkv_bias"),
      .class_token = fixture.flag("class_token"),
      .reg_tokens = fixture.integer("reg_tokens"),
      .no_embed_class = fixture.flag("no_embed_class"),
      .init_values = init_values.empty() ? std::optional<double>() : fixture.number("init_values"),
      .layer_norm_eps = fixture.number("layer_norm_eps"),
      .pos_embed = fixture.text("position") == "learn" ? PositionEmbedding::learned
                                                       : PositionEmbedding::sincos,
      .global_pool = fixture.text("global_pool") == "token" ? GlobalPool::token : GlobalPool::avg,
      .fc_norm = fixture.flag("fc_norm"),
  };
}

inline double decoder_ratio(const Fixture& fixture) {
  return ratio_of(fixture.integer("decoder_mlp_hidden"), fixture.integer("decoder_embed_dim"));
}

/// The decoder of a fixture that states its grid, not an image size.
inline MaskedVisionTransformerDecoderConfig decoder_config(const Fixture& fixture,
                                                           bool qkv_bias = true) {
  return {.grid = {fixture.integer("grid_height"), fixture.integer("grid_width")},
          .num_prefix_tokens = fixture.integer("prefix_tokens"),
          .embed_dim = fixture.integer("decoder_embed_dim"),
          .depth = fixture.integer("decoder_depth"),
          .num_heads = fixture.integer("decoder_num_heads"),
          .mlp_ratio = decoder_ratio(fixture),
          .qkv_bias = qkv_bias};
}

inline MAEConfig mae_config_of(const Fixture& fixture) {
  return {.encoder = encoder_config(fixture),
          .decoder_embed_dim = fixture.integer("decoder_embed_dim"),
          .decoder_depth = fixture.integer("decoder_depth"),
          .decoder_num_heads = fixture.integer("decoder_num_heads"),
          .decoder_mlp_ratio = decoder_ratio(fixture),
          .norm_pix_loss = fixture.flag("norm_pix_loss")};
}

inline IJEPAConfig ijepa_config_of(const Fixture& fixture) {
  return {.encoder = encoder_config(fixture),
          .predictor_embed_dim = fixture.integer("decoder_embed_dim"),
          .predictor_depth = fixture.integer("decoder_depth"),
          .predictor_num_heads = fixture.integer("decoder_num_heads"),
          .predictor_mlp_ratio = decoder_ratio(fixture)};
}

/// The predictor of I-JEPA alone, under the names it has there.
template <std::floating_point Scalar>
struct Predictor {
  using scalar_type = Scalar;

  Predictor(Index dim, const MaskedVisionTransformerDecoderConfig& config)
      : predictor_embed(dim, config.embed_dim),
        predictor(config),
        predictor_proj(config.embed_dim, dim) {}

  Linear<Scalar> predictor_embed;
  MaskedVisionTransformerDecoder<Scalar> predictor;
  Linear<Scalar> predictor_proj;

  static void visit(auto& self, auto&& visitor) {
    visitor("predictor_embed", self.predictor_embed);
    visitor("predictor", self.predictor);
    visitor("predictor_proj", self.predictor_proj);
  }
};

}  // namespace tessera::test
