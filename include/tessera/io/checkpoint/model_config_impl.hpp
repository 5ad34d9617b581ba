#pragma once

#include <cmath>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tessera/io/checkpoint/find_entry.hpp"
#include "tessera/io/checkpoint/model_config.hpp"
#include "tessera/io/checkpoint/positions.hpp"
#include "tessera/io/checkpoint/stack_shape.hpp"
#include "tessera/io/file/fail.hpp"

namespace tessera::io {

namespace detail {

/// The value, or an error that asks for it by the name of the option.
template <class T>
const T& asked_for(const Checkpoint& file, const Known<T>& fact, std::string_view option,
                   std::string_view why) {
  if (!fact.value) {
    refuse_file(file.source.label(), option, " cannot be told from the file (", why, "); give ",
                option);
  }
  return *fact.value;
}

/// The stack, or an error that says what the file is instead, and which entries of it are models.
inline StackShape needed(const Checkpoint& file, const std::optional<StackShape>& stack,
                         bool is_such, std::string_view what, ModelKind kind) {
  if (stack && is_such) return *stack;
  const std::vector<std::string> others = other_models(file.whole, file.options.naming, file.entry);
  refuse_file(file.source.label(), "holds no ", what, ": it is ",
              kind == ModelKind::encoder ? "an encoder alone" : concat("of kind ", kind_name(kind)),
              others.empty() ? "" : "; entries of the file that are models: ",
              others.empty() ? "" : entries_text(others));
}

/// Heads that divide the width of their stack.
inline Index needed_heads(const Checkpoint& file, const Known<Index>& fact, const StackShape& stack,
                          std::string_view option) {
  const Index heads =
      asked_for(file, fact, option, "no tensor shows the number of attention heads");
  if (heads < 1 || stack.dim % heads != 0) {
    refuse_file(file.source.label(), option, " = ", heads, " does not divide the width ",
                stack.dim);
  }
  return heads;
}

}  // namespace detail

TESSERA_INLINE MaskedVisionTransformerConfig encoder_config(const Checkpoint& file,
                                                            const CheckpointFacts& facts) {
  const StackShape encoder = detail::needed(file, facts.encoder, true, "encoder", facts.kind);
  const Index heads = detail::needed_heads(file, facts.num_heads, encoder, "num_heads");
  const Size image =
      detail::asked_for(file, facts.image_size, "image_size", detail::no_image_size(facts));
  // Where training moves positions is no fact of the file; what such models do is taken for
  // granted.
  const bool fixed_positions = (facts.kind != ModelKind::encoder || file.naming_id() == "mae" ||
                                file.naming_id() == "ijepa") &&
                               encoder.dim % 4 == 0;
  return {.image_size = image,
          .patch_size = facts.patch_size,
          .in_chans = facts.in_chans,
          .embed_dim = encoder.dim,
          .depth = encoder.depth,
          .num_heads = heads,
          .mlp_ratio = detail::mlp_ratio(encoder),
          .qkv_bias = encoder.qkv_bias,
          .class_token = facts.class_token,
          .reg_tokens = facts.reg_tokens,
          .no_embed_class = facts.no_embed_class,
          .init_values = encoder.layer_scale ? std::optional(1.0) : std::nullopt,
          .layer_norm_eps = detail::asked_for(file, facts.layer_norm_eps, "layer_norm_eps",
                                              "there is no config.json"),
          .pos_embed = fixed_positions ? PositionEmbedding::sincos : PositionEmbedding::learned,
          .resampling = *facts.resampling.value,
          .global_pool = *facts.global_pool.value,
          .fc_norm = facts.fc_norm,
          .activation = *facts.activation.value};
}

TESSERA_INLINE MAEConfig mae_config(const Checkpoint& file, const CheckpointFacts& facts) {
  const StackShape decoder = detail::needed(file, facts.decoder, facts.kind == ModelKind::mae,
                                            "MAE with its decoder", facts.kind);
  const Index heads =
      detail::needed_heads(file, facts.decoder_num_heads, decoder, "decoder_num_heads");
  return {.encoder = encoder_config(file, facts),
          .decoder_embed_dim = decoder.dim,
          .decoder_depth = decoder.depth,
          .decoder_num_heads = heads,
          .decoder_mlp_ratio = detail::mlp_ratio(decoder),
          .norm_pix_loss = detail::asked_for(file, facts.norm_pix_loss, "norm_pix_loss",
                                             "raw and normalized pixels have the same tensors")};
}

TESSERA_INLINE IJEPAConfig ijepa_config(const Checkpoint& file, const CheckpointFacts& facts) {
  const StackShape predictor = detail::needed(file, facts.decoder, facts.kind == ModelKind::ijepa,
                                              "I-JEPA with its predictor", facts.kind);
  const Index heads =
      detail::needed_heads(file, facts.decoder_num_heads, predictor, "decoder_num_heads");
  return {.encoder = encoder_config(file, facts),
          .predictor_embed_dim = predictor.dim,
          .predictor_depth = predictor.depth,
          .predictor_num_heads = heads,
          .predictor_mlp_ratio = detail::mlp_ratio(predictor)};
}

TESSERA_INLINE MaskedVisionTransformerDecoderConfig decoder_config(const Checkpoint& file,
                                                                   const CheckpointFacts& facts) {
  const StackShape decoder = detail::needed(file, facts.decoder, true, "decoder", facts.kind);
  const Index heads =
      detail::needed_heads(file, facts.decoder_num_heads, decoder, "decoder_num_heads");
  const Size grid = facts.decoder_grid.value.value_or(Size{});
  const Index prefix = decoder.positions - grid.count();
  if (grid.count() == 0 || prefix < 0) {
    refuse_file(file.source.label(), "the grid cannot be told from ", decoder.positions,
                " positions; make the decoder and load the file into it");
  }
  return {.grid = grid,
          .num_prefix_tokens = prefix,
          .embed_dim = decoder.dim,
          .depth = decoder.depth,
          .num_heads = heads,
          .mlp_ratio = detail::mlp_ratio(decoder),
          .qkv_bias = decoder.qkv_bias,
          .layer_norm_eps = detail::asked_for(file, facts.layer_norm_eps, "layer_norm_eps",
                                              "there is no config.json")};
}

}  // namespace tessera::io
