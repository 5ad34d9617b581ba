#pragma once

#include <span>

#include "tessera/models/masked_vision_transformer.hpp"
#include "tessera/models/masked_vision_transformer_decoder.hpp"
#include "tessera/nn/linear.hpp"
#include "tessera/ops/losses.hpp"
#include "tessera/ops/tokens/apply_masks.hpp"
#include "tessera/ops/tokens/concat_batch.hpp"
#include "tessera/ops/tokens/repeat_interleave_batch.hpp"

namespace tessera {

struct IJEPAConfig {
  MaskedVisionTransformerConfig encoder{.class_token = false, .global_pool = GlobalPool::avg};
  Index predictor_embed_dim = 384;
  Index predictor_depth = 6;
  Index predictor_num_heads = 12;
  double predictor_mlp_ratio = 4;
};

/// Joint-embedding predictive architecture: from the tokens of a context block, the predictor says
/// what the target encoder makes of other blocks of the same image.
/// Assran et al., "Self-supervised learning from images with a joint-embedding predictive
/// architecture", 2023.
///
/// Masks are patch indices, as the published collator makes them. E context masks and T target
/// masks [B, K] each give E * T pairs; results are ordered by target, then context, then image.
template <std::floating_point Scalar>
struct IJEPA {
  using scalar_type = Scalar;
  using Config = IJEPAConfig;

  IJEPA() = default;
  /// Weights zero: see initialize() and io. Throws std::invalid_argument if the config makes no
  /// model, or has class or register tokens, which no mask of this method can name.
  explicit IJEPA(const Config& config)
      : encoder(config.encoder),
        predictor_embed(config.encoder.embed_dim, config.predictor_embed_dim),
        predictor({.grid = encoder.grid(),
                   .num_prefix_tokens = 0,
                   .embed_dim = config.predictor_embed_dim,
                   .depth = config.predictor_depth,
                   .num_heads = config.predictor_num_heads,
                   .mlp_ratio = config.predictor_mlp_ratio,
                   .qkv_bias = config.encoder.qkv_bias,
                   .layer_norm_eps = config.encoder.layer_norm_eps}),
        predictor_proj(config.predictor_embed_dim, config.encoder.embed_dim) {
    if (encoder.num_prefix_tokens() != 0) {
      refuse("IJEPA", "the encoder must have neither class token nor registers, but has ",
             encoder.num_prefix_tokens());
    }
    if (config.encoder.fc_norm) {
      refuse("IJEPA",
             "encoder.fc_norm is set, but predictor and targets need every token normalized");
    }
    reset_target();
  }

  MaskedVisionTransformer<Scalar> encoder;
  Linear<Scalar> predictor_embed;
  MaskedVisionTransformerDecoder<Scalar> predictor;
  Linear<Scalar> predictor_proj;
  MaskedVisionTransformer<Scalar> target_encoder;  ///< frozen moving average of encoder

  static void visit(auto& self, auto&& visitor) {
    visitor("encoder", self.encoder);
    visitor("predictor_embed", self.predictor_embed);
    visitor("predictor", self.predictor);
    visitor("predictor_proj", self.predictor_proj);
    visitor("target_encoder", self.target_encoder);
  }

  /// images [B, C, H, W] -> predicted features of every target under every context
  /// [T * E * B, K_target, D].
  /// Throws std::invalid_argument where shapes or indices do not fit, or if a list is empty.
  Var<Scalar, 3> forward_context(const Var<Scalar, 4>& images,
                                 std::span<const TokenIndex> masks_context,
                                 std::span<const TokenIndex> masks_target) const;

  /// images [B, C, H, W] -> features of the full image at the targets, each normalized over its
  /// width, in the order of forward_context [T * E * B, K_target, D]. Never recorded.
  /// Throws as forward_context.
  Var<Scalar, 3> forward_target(const Var<Scalar, 4>& images,
                                std::span<const TokenIndex> masks_context,
                                std::span<const TokenIndex> masks_target) const;

  /// Smooth L1 distance between the two, averaged over all elements []. Throws as forward_context.
  Var<Scalar, 0> loss(const Var<Scalar, 4>& images, std::span<const TokenIndex> masks_context,
                      std::span<const TokenIndex> masks_target) const;

  /// Makes the target encoder a frozen copy of the encoder, as at the start of training. After each
  /// optimizer step it follows by update_ema(target_encoder, encoder, momentum).
  void reset_target() {
    target_encoder = encoder;
    set_trainable(target_encoder, false);
  }

 private:
  void check(std::string_view op, const Var<Scalar, 4>& images,
             std::span<const TokenIndex> masks_context,
             std::span<const TokenIndex> masks_target) const;
};

template <std::floating_point Scalar>
Var<Scalar, 3> IJEPA<Scalar>::forward_context(const Var<Scalar, 4>& images,
                                              std::span<const TokenIndex> masks_context,
                                              std::span<const TokenIndex> masks_target) const {
  check("IJEPA::forward_context", images, masks_context, masks_target);
  CachedVector<Var<Scalar, 3>> contexts;
  for (const TokenIndex& mask : masks_context) {
    contexts.push_back(predictor_embed(encoder.encode(images, {.idx_keep = mask})));
  }
  CachedVector<Var<Scalar, 3>> predictions;
  for (const TokenIndex& target : masks_target) {
    for (std::size_t e = 0; e < contexts.size(); ++e) {
      predictions.push_back(predictor.predict(contexts[e], masks_context[e], target));
    }
  }
  return predictor_proj(concat_batch<Scalar>(predictions));
}

template <std::floating_point Scalar>
Var<Scalar, 3> IJEPA<Scalar>::forward_target(const Var<Scalar, 4>& images,
                                             std::span<const TokenIndex> masks_context,
                                             std::span<const TokenIndex> masks_target) const {
  check("IJEPA::forward_target", images, masks_context, masks_target);
  const Var<Scalar, 4> unrecorded(images.shared(), nullptr);
  const auto features =
      layer_norm(target_encoder.encode(unrecorded), std::nullopt, std::nullopt, Scalar(1e-5));
  return repeat_interleave_batch(apply_masks(features, masks_target), images.dim(0),
                                 static_cast<Index>(masks_context.size()));
}

template <std::floating_point Scalar>
Var<Scalar, 0> IJEPA<Scalar>::loss(const Var<Scalar, 4>& images,
                                   std::span<const TokenIndex> masks_context,
                                   std::span<const TokenIndex> masks_target) const {
  const Var<Scalar, 3> target = forward_target(images, masks_context, masks_target);
  return smooth_l1_loss(forward_context(images, masks_context, masks_target), target);
}

template <std::floating_point Scalar>
void IJEPA<Scalar>::check(std::string_view op, const Var<Scalar, 4>& images,
                          std::span<const TokenIndex> masks_context,
                          std::span<const TokenIndex> masks_target) const {
  const Size& size = encoder.config.image_size;
  if (images.dim(2) != size.height || images.dim(3) != size.width) {
    refuse(op, "images ", images.shape(), " must be of the model's size ", size);
  }
  if (masks_context.empty() || masks_target.empty()) {
    refuse(op, "there are ", masks_context.size(), " context and ", masks_target.size(),
           " target masks; each list needs one");
  }
  const auto check_mask = [&](std::string_view name, std::size_t m, const TokenIndex& mask) {
    check_token_index(op, ArgumentName(name, m), mask, images.dim(0), encoder.sequence_length());
  };
  for (std::size_t m = 0; m < masks_context.size(); ++m) {
    check_mask("masks_context", m, masks_context[m]);
  }
  for (std::size_t m = 0; m < masks_target.size(); ++m) {
    const TokenIndex& mask = masks_target[m];
    check_mask("masks_target", m, mask);
    if (mask.shape() != masks_target[0].shape()) {
      refuse(op, "target masks of shapes ", masks_target[0].shape(), " and ", mask.shape(),
             " cannot be stacked");
    }
  }
}

}  // namespace tessera
