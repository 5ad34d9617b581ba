#pragma once

#include <utility>
#include <vector>

#include "tessera/core/size.hpp"
#include "tessera/masking/patch_grid.hpp"
#include "tessera/masking/token_index.hpp"
#include "tessera/nn/patch_embed.hpp"
#include "tessera/nn/position_embedding.hpp"
#include "tessera/nn/transformer_block.hpp"
#include "tessera/ops/tokens/add_positions.hpp"
#include "tessera/ops/tokens/concat_tokens.hpp"
#include "tessera/ops/tokens/get_at_index.hpp"
#include "tessera/ops/tokens/mask_tokens.hpp"
#include "tessera/ops/tokens/mean_tokens.hpp"
#include "tessera/ops/tokens/place_prefix.hpp"
#include "tessera/ops/tokens/resample_positions.hpp"
#include "tessera/ops/tokens/slice_tokens.hpp"

namespace tessera {

enum class PositionEmbedding {
  sincos,   ///< fixed sine-cosine table, frozen
  learned,  ///< trained like any parameter
};

/// The feature vector that `forward` makes of the encoded tokens.
enum class GlobalPool {
  token,  ///< the first prefix token
  avg,    ///< mean over the patch tokens
};

struct MaskedVisionTransformerConfig {
  Size image_size{224, 224};  ///< pixels; other sizes run too, with resampled positions
  Index patch_size = 16;      ///< pixels along a side
  Index in_chans = 3;
  Index embed_dim = 768;
  Index depth = 12;
  Index num_heads = 12;
  double mlp_ratio = 4;
  bool qkv_bias = true;
  bool class_token = true;
  Index reg_tokens = 0;                              ///< registers; Darcet et al., 2024
  bool no_embed_class = false;                       ///< prefix tokens get no position
  std::optional<double> init_values = std::nullopt;  ///< LayerScale's first value, if any
  double proj_drop_rate = 0;
  double drop_path_rate = 0;  ///< of the last block; grows linearly from 0
  double layer_norm_eps = 1e-6;
  PositionEmbedding pos_embed = PositionEmbedding::sincos;
  kernels::Bicubic resampling = kernels::Bicubic::antialias;  ///< timm's; plain: MAE's own code
  GlobalPool global_pool = GlobalPool::token;
  bool fc_norm = false;  ///< normalize after pooling, not before (timm)
  Activation activation = Activation::gelu;
};

/// Vision transformer whose tokens can be masked and dropped; lightly's interface, timm's names.
/// Indices address the full sequence [class token, registers, patches row by row].
/// Dosovitskiy et al., 2021; He et al., 2021, 3.
///
/// Not changed by anything it computes: one model may serve many threads.
template <std::floating_point Scalar>
struct MaskedVisionTransformer {
  using scalar_type = Scalar;
  using Config = MaskedVisionTransformerConfig;

  MaskedVisionTransformer() = default;
  /// Weights zero, norms the identity, sine-cosine tables set: see initialize() and io.
  /// Throws std::invalid_argument if the config makes no model.
  explicit MaskedVisionTransformer(const Config& encoder_config);

  Config config;
  Parameter<Scalar, 3> mask_token;                ///< [1, 1, D]
  std::optional<Parameter<Scalar, 3>> cls_token;  ///< [1, 1, D]
  std::optional<Parameter<Scalar, 3>> reg_token;  ///< [1, R, D]
  Parameter<Scalar, 3> pos_embed;                 ///< [1, P + N, D], without prefix rows [1, N, D]
  PatchEmbed<Scalar> patch_embed;
  std::vector<TransformerBlock<Scalar>> blocks;
  std::optional<LayerNorm<Scalar>> norm;
  std::optional<LayerNorm<Scalar>> fc_norm;

  static void visit(auto& self, auto&& visitor) {
    visitor("mask_token", self.mask_token, ParameterRole::token);
    visitor("cls_token", self.cls_token, ParameterRole::token);
    visitor("reg_token", self.reg_token, ParameterRole::token);
    visitor("pos_embed", self.pos_embed, ParameterRole::position);
    visitor("patch_embed", self.patch_embed);
    visitor("blocks", self.blocks);
    visitor("norm", self.norm);
    visitor("fc_norm", self.fc_norm);
  }

  Index num_prefix_tokens() const { return (cls_token ? 1 : 0) + config.reg_tokens; }
  Size grid() const {
    return patch_grid("MaskedVisionTransformer", config.image_size, config.patch_size);
  }
  Index sequence_length() const { return num_prefix_tokens() + grid().count(); }

  /// images [B, C, H, W] -> patch tokens [B, N, D].
  Var<Scalar, 3> images_to_tokens(const Var<Scalar, 4>& images) const {
    return patch_embed(images);
  }

  /// tokens [B, N, D] -> [B, P + N, D].
  Var<Scalar, 3> prepend_prefix_tokens(const Var<Scalar, 3>& tokens) const {
    const auto prefix = prefix_tokens(tokens.tape());
    return prefix ? concat_tokens(*prefix, tokens) : tokens;
  }

  /// tokens [B, P + N, D] of a grid of patches -> tokens with positions, resampled if the grid is
  /// not the model's own.
  Var<Scalar, 3> add_pos_embed(const Var<Scalar, 3>& tokens, const Size& of_grid) const {
    return add_positions(tokens, positions(tokens.tape(), of_grid), std::nullopt,
                         unplaced_tokens());
  }
  Var<Scalar, 3> add_pos_embed(const Var<Scalar, 3>& tokens) const {
    return add_pos_embed(tokens, grid());
  }

  /// images [B, C, H, W] -> the input of the first block [B, P + N or K, D]: tokens, prefix, mask,
  /// positions, keep, in that order. With idx_keep alone only the kept patches are embedded.
  /// Throws std::invalid_argument if idx_mask and mask are both set, or where shapes or indices do
  /// not fit.
  Var<Scalar, 3> preprocess(const Var<Scalar, 4>& images,
                            const TokenSelection& selection = {}) const;

  /// images [B, C, H, W] -> normalized tokens [B, P + N or K, D]. Throws as preprocess.
  Var<Scalar, 3> encode(const Var<Scalar, 4>& images, const TokenSelection& selection = {}) const;

  /// The result of encode, and the output of every block, through the last norm too if asked for.
  struct Intermediates {
    Var<Scalar, 3> output;
    std::vector<Var<Scalar, 3>> blocks;
  };
  Intermediates forward_intermediates(const Var<Scalar, 4>& images,
                                      const TokenSelection& selection = {},
                                      bool normalized = false) const;

  /// images [B, C, H, W] -> one feature vector per image [B, D], pooled as configured. As in
  /// lightly, idx_keep must begin with the prefix tokens for pool to find them. Throws as
  /// preprocess and pool.
  Var<Scalar, 2> forward(const Var<Scalar, 4>& images, const TokenSelection& selection = {}) const;

  /// Encoded tokens [B, L, D], prefix first -> [B, D]. Throws std::invalid_argument if the class
  /// token is asked for and there is none, or if there is no patch to average.
  Var<Scalar, 2> pool(const Var<Scalar, 3>& tokens) const;

  /// tokens [B, L, D] -> after all blocks [B, L, D], not normalized.
  Var<Scalar, 3> run_blocks(Var<Scalar, 3> x) const {
    for (const TransformerBlock<Scalar>& block : blocks) x = block(x);
    return x;
  }

 private:
  Index unplaced_tokens() const { return config.no_embed_class ? num_prefix_tokens() : 0; }

  Var<Scalar, 3> apply_norm(const Var<Scalar, 3>& x) const { return norm ? (*norm)(x) : x; }

  std::optional<Var<Scalar, 3>> prefix_tokens(Tape<Scalar>* tape) const {
    if (!cls_token && !reg_token) return std::nullopt;
    if (!reg_token) return cls_token->on(tape);
    if (!cls_token) return reg_token->on(tape);
    return concat_tokens(cls_token->on(tape), reg_token->on(tape));
  }

  Var<Scalar, 3> positions(Tape<Scalar>* tape, const Size& of_grid) const {
    return resample_positions(pos_embed.on(tape), num_prefix_tokens() - unplaced_tokens(), grid(),
                              of_grid, config.resampling);
  }
};

template <std::floating_point Scalar>
Var<Scalar, 3> MaskedVisionTransformer<Scalar>::encode(const Var<Scalar, 4>& images,
                                                       const TokenSelection& selection) const {
  return apply_norm(run_blocks(preprocess(images, selection)));
}

template <std::floating_point Scalar>
typename MaskedVisionTransformer<Scalar>::Intermediates
MaskedVisionTransformer<Scalar>::forward_intermediates(const Var<Scalar, 4>& images,
                                                       const TokenSelection& selection,
                                                       bool normalized) const {
  std::vector<Var<Scalar, 3>> outputs;
  Var<Scalar, 3> x = preprocess(images, selection);
  for (const TransformerBlock<Scalar>& block : blocks) {
    x = block(x);
    outputs.push_back(normalized ? apply_norm(x) : x);
  }
  return {apply_norm(x), std::move(outputs)};
}

template <std::floating_point Scalar>
Var<Scalar, 2> MaskedVisionTransformer<Scalar>::forward(const Var<Scalar, 4>& images,
                                                        const TokenSelection& selection) const {
  return pool(encode(images, selection));
}

template <std::floating_point Scalar>
Var<Scalar, 2> MaskedVisionTransformer<Scalar>::pool(const Var<Scalar, 3>& tokens) const {
  if (config.global_pool == GlobalPool::token) {
    if (num_prefix_tokens() <= 0) {
      refuse("MaskedVisionTransformer::pool",
             "global_pool is token, but the model has neither class token nor registers");
    }
    return select_token(tokens, 0);
  }
  const Var<Scalar, 2> mean = mean_tokens(tokens, num_prefix_tokens());
  return fc_norm ? (*fc_norm)(mean) : mean;
}

template <std::floating_point Scalar>
MaskedVisionTransformer<Scalar>::MaskedVisionTransformer(const Config& encoder_config)
    : config(encoder_config) {
  const std::string_view op = "MaskedVisionTransformer";
  const Index dim = config.embed_dim;
  const Size patches = patch_grid(op, config.image_size, config.patch_size);
  if (dim <= 0) refuse(op, "embed_dim = ", dim, " must be positive");
  if (config.reg_tokens < 0) refuse(op, "reg_tokens = ", config.reg_tokens, " is negative");
  if (config.global_pool != GlobalPool::avg && config.fc_norm) {
    refuse(op, "fc_norm normalizes an average, but global_pool is token");
  }
  mask_token.value = Tensor<Scalar, 3>({1, 1, dim});
  if (config.class_token) cls_token = Parameter<Scalar, 3>{Tensor<Scalar, 3>({1, 1, dim})};
  if (config.reg_tokens > 0) {
    reg_token = Parameter<Scalar, 3>{Tensor<Scalar, 3>({1, config.reg_tokens, dim})};
  }
  const Index placed = num_prefix_tokens() - unplaced_tokens();
  if (config.pos_embed == PositionEmbedding::sincos) {
    pos_embed = {sincos_position_embedding<Scalar>(dim, patches, placed), false};
  } else {
    pos_embed.value = Tensor<Scalar, 3>({1, placed + patches.count(), dim});
  }
  patch_embed = PatchEmbed<Scalar>(config.in_chans, dim, config.patch_size);
  blocks = detail::make_blocks<Scalar>(op, config.depth, config.mlp_ratio,
                                       {.dim = dim,
                                        .num_heads = config.num_heads,
                                        .qkv_bias = config.qkv_bias,
                                        .init_values = config.init_values,
                                        .proj_drop = config.proj_drop_rate,
                                        .drop_path = config.drop_path_rate,
                                        .layer_norm_eps = config.layer_norm_eps,
                                        .activation = config.activation});
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    blocks[i].drop_path_rate *=
        i == 0 ? 0.0 : static_cast<double>(i) / static_cast<double>(blocks.size() - 1);
  }
  (config.fc_norm ? fc_norm : norm) = LayerNorm<Scalar>(dim, config.layer_norm_eps);
}

template <std::floating_point Scalar>
Var<Scalar, 3> MaskedVisionTransformer<Scalar>::preprocess(const Var<Scalar, 4>& images,
                                                           const TokenSelection& selection) const {
  const std::string_view op = "MaskedVisionTransformer::preprocess";
  if (images.dim(0) <= 0) refuse(op, "images ", images.shape(), " is an empty batch");
  const Size patches = patch_grid(op, {images.dim(2), images.dim(3)}, config.patch_size);
  const Index prefix = num_prefix_tokens();
  Tape<Scalar>* tape = images.tape();
  check_token_selection(op, selection, images.dim(0), prefix + patches.count());
  if (selection.idx_keep && !selection.idx_mask && !selection.mask) {
    Var<Scalar, 3> kept = patch_embed.at_index(images, *selection.idx_keep, prefix);
    if (const auto tokens = prefix_tokens(tape)) {
      kept = place_prefix(kept, *tokens, *selection.idx_keep);
    }
    return add_positions(kept, positions(tape, patches), selection.idx_keep, unplaced_tokens());
  }
  Var<Scalar, 3> tokens = prepend_prefix_tokens(images_to_tokens(images));
  if (selection.idx_mask) tokens = mask_at_index(tokens, *selection.idx_mask, mask_token.on(tape));
  if (selection.mask) tokens = mask_bool(tokens, *selection.mask, mask_token.on(tape));
  tokens = add_pos_embed(tokens, patches);
  return selection.idx_keep ? get_at_index(tokens, *selection.idx_keep) : tokens;
}

}  // namespace tessera
