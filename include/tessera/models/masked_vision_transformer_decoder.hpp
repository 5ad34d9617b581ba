#pragma once

#include <vector>

#include "tessera/core/size.hpp"
#include "tessera/masking/token_index.hpp"
#include "tessera/nn/position_embedding.hpp"
#include "tessera/nn/transformer_block.hpp"
#include "tessera/ops/tokens/add_positions.hpp"
#include "tessera/ops/tokens/context_and_targets.hpp"
#include "tessera/ops/tokens/get_at_index.hpp"
#include "tessera/ops/tokens/mask_tokens.hpp"
#include "tessera/ops/tokens/slice_tokens.hpp"

namespace tessera {

struct MaskedVisionTransformerDecoderConfig {
  Size grid{14, 14};  ///< patches
  Index num_prefix_tokens = 1;
  Index embed_dim = 512;
  Index depth = 8;
  Index num_heads = 16;
  double mlp_ratio = 4;
  bool qkv_bias = true;
  double proj_drop_rate = 0;
  double drop_path_rate = 0;  ///< of every block
  double layer_norm_eps = 1e-6;
};

/// The one decoder of MAE and I-JEPA (there called predictor): mask token, fixed positions, blocks
/// and norm. What maps into its width, and from it to pixels or features, stays outside.
/// He et al., 2021, 3 "MAE decoder"; Assran et al., 2023, 3 "Prediction".
template <std::floating_point Scalar>
struct MaskedVisionTransformerDecoder {
  using scalar_type = Scalar;
  using Config = MaskedVisionTransformerDecoderConfig;

  MaskedVisionTransformerDecoder() = default;
  /// Weights zero, norms the identity, positions set: see initialize() and io.
  /// Throws std::invalid_argument if the config makes no model.
  explicit MaskedVisionTransformerDecoder(const Config& decoder_config);

  Config config;
  Parameter<Scalar, 3> mask_token;  ///< [1, 1, d]
  Parameter<Scalar, 3> pos_embed;   ///< [1, P + N, d], sine-cosine, frozen
  std::vector<TransformerBlock<Scalar>> blocks;
  LayerNorm<Scalar> norm;

  static void visit(auto& self, auto&& visitor) {
    visitor("mask_token", self.mask_token, ParameterRole::token);
    visitor("pos_embed", self.pos_embed, ParameterRole::position);
    visitor("blocks", self.blocks);
    visitor("norm", self.norm);
  }

  Index sequence_length() const { return config.num_prefix_tokens + config.grid.count(); }

  /// x [B, P + N, d] -> what the first block sees [B, P + N or K, d]: mask, positions, keep, in
  /// that order. What x holds at masked places does not matter.
  /// Throws std::invalid_argument if idx_mask and mask are both set, or where shapes or indices do
  /// not fit.
  Var<Scalar, 3> preprocess(const Var<Scalar, 3>& x, const TokenSelection& selection = {}) const {
    if (x.dim(0) <= 0) {
      refuse("MaskedVisionTransformerDecoder::preprocess", "x ", x.shape(), " is an empty batch");
    }
    check_token_selection("MaskedVisionTransformerDecoder::preprocess", selection, x.dim(0),
                          sequence_length());
    Tape<Scalar>* tape = x.tape();
    Var<Scalar, 3> tokens = x;
    if (selection.idx_mask) tokens = mask_at_index(x, *selection.idx_mask, mask_token.on(tape));
    if (selection.mask) tokens = mask_bool(x, *selection.mask, mask_token.on(tape));
    tokens = add_positions(tokens, pos_embed.on(tape));
    return selection.idx_keep ? get_at_index(tokens, *selection.idx_keep) : tokens;
  }

  /// x [B, any, d] -> blocks and norm [B, any, d]. Throws std::invalid_argument if the width is
  /// another.
  Var<Scalar, 3> decode(const Var<Scalar, 3>& x) const { return decode_last(x, x.dim(1)); }

  /// The last `count` rows of decode [B, count, d]; the last block computes no others. Throws
  /// std::invalid_argument if x has not so many.
  Var<Scalar, 3> decode_last(Var<Scalar, 3> x, Index count) const {
    for (std::size_t i = 0; i + 1 < blocks.size(); ++i) x = blocks[i](x);
    return norm(blocks.empty() ? slice_tokens(x, x.dim(1) - count, count)
                               : blocks.back().last_tokens(x, count));
  }

  /// x [B, P + N, d] -> decode(preprocess(x)). Throws as preprocess.
  Var<Scalar, 3> forward(const Var<Scalar, 3>& x, const TokenSelection& selection = {}) const {
    return decode(preprocess(x, selection));
  }

  /// context [B, C, d] at places idx_context [B, C] -> predictions for places idx_target [B, T], in
  /// their order [B, T, d]. Context tokens and mask tokens stand side by side, so a place may be
  /// both, and places that are neither do not exist. MAE: the masked patches are the targets.
  /// I-JEPA: one call per target block.
  /// Throws std::invalid_argument where the shapes do not fit or an index leaves the sequence.
  Var<Scalar, 3> predict(const Var<Scalar, 3>& context, const TokenIndex& idx_context,
                         const TokenIndex& idx_target) const;
};

template <std::floating_point Scalar>
Var<Scalar, 3> MaskedVisionTransformerDecoder<Scalar>::predict(const Var<Scalar, 3>& context,
                                                               const TokenIndex& idx_context,
                                                               const TokenIndex& idx_target) const {
  Tape<Scalar>* tape = context.tape();
  return decode_last(context_and_targets(context, idx_context, idx_target, mask_token.on(tape),
                                         pos_embed.on(tape)),
                     idx_target.dim(1));
}

template <std::floating_point Scalar>
MaskedVisionTransformerDecoder<Scalar>::MaskedVisionTransformerDecoder(const Config& decoder_config)
    : config(decoder_config) {
  const std::string_view op = "MaskedVisionTransformerDecoder";
  if (config.num_prefix_tokens < 0) {
    refuse(op, "num_prefix_tokens = ", config.num_prefix_tokens, " is negative");
  }
  const Index dim = config.embed_dim;
  pos_embed = {sincos_position_embedding<Scalar>(dim, config.grid, config.num_prefix_tokens),
               false};
  mask_token.value = Tensor<Scalar, 3>({1, 1, dim});
  blocks = detail::make_blocks<Scalar>(op, config.depth, config.mlp_ratio,
                                       {.dim = dim,
                                        .num_heads = config.num_heads,
                                        .qkv_bias = config.qkv_bias,
                                        .proj_drop = config.proj_drop_rate,
                                        .drop_path = config.drop_path_rate,
                                        .layer_norm_eps = config.layer_norm_eps});
  norm = LayerNorm<Scalar>(dim, config.layer_norm_eps);
}

}  // namespace tessera
