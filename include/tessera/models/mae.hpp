#pragma once

#include "tessera/models/masked_vision_transformer.hpp"
#include "tessera/models/masked_vision_transformer_decoder.hpp"
#include "tessera/nn/linear.hpp"
#include "tessera/ops/losses.hpp"
#include "tessera/ops/normalize_mean_var.hpp"
#include "tessera/ops/tokens/patchify.hpp"

namespace tessera {

struct MAEConfig {
  MaskedVisionTransformerConfig encoder{};
  Index decoder_embed_dim = 512;
  Index decoder_depth = 8;
  Index decoder_num_heads = 16;
  double decoder_mlp_ratio = 4;
  bool norm_pix_loss = false;  ///< predict each patch's pixels normalized by its mean and variance
};

/// Masked autoencoder: the encoder sees the kept tokens, the decoder predicts the masked patches.
/// He et al., "Masked autoencoders are scalable vision learners", 2021.
template <std::floating_point Scalar>
struct MAE {
  using scalar_type = Scalar;
  using Config = MAEConfig;

  MAE() = default;
  /// Weights zero: see initialize() and io. Throws std::invalid_argument if the config makes no
  /// model.
  explicit MAE(const Config& config)
      : encoder(config.encoder),
        decoder_embed(config.encoder.embed_dim, config.decoder_embed_dim),
        decoder({.grid = encoder.grid(),
                 .num_prefix_tokens = encoder.num_prefix_tokens(),
                 .embed_dim = config.decoder_embed_dim,
                 .depth = config.decoder_depth,
                 .num_heads = config.decoder_num_heads,
                 .mlp_ratio = config.decoder_mlp_ratio,
                 .qkv_bias = config.encoder.qkv_bias,
                 .layer_norm_eps = config.encoder.layer_norm_eps}),
        prediction_head(
            config.decoder_embed_dim,
            config.encoder.patch_size * config.encoder.patch_size * config.encoder.in_chans),
        norm_pix_loss(config.norm_pix_loss) {
    if (config.encoder.fc_norm) {
      refuse("MAE", "encoder.fc_norm is set, but the decoder needs every token normalized");
    }
  }

  MaskedVisionTransformer<Scalar> encoder;
  Linear<Scalar> decoder_embed;
  MaskedVisionTransformerDecoder<Scalar> decoder;
  Linear<Scalar> prediction_head;
  bool norm_pix_loss = false;

  static void visit(auto& self, auto&& visitor) {
    visitor("encoder", self.encoder);
    visitor("decoder_embed", self.decoder_embed);
    visitor("decoder", self.decoder);
    visitor("prediction_head", self.prediction_head);
  }

  /// images [B, C, H, W], idx_keep [B, K], idx_mask [B, M] -> predicted patches, each as (row,
  /// column, channel), in the order of idx_mask [B, M, p p C].
  /// Throws std::invalid_argument where shapes or indices do not fit, if a token is both kept and
  /// masked or named twice, or if a prefix token is masked.
  Var<Scalar, 3> forward(const Var<Scalar, 4>& images, const TokenIndex& idx_keep,
                         const TokenIndex& idx_mask) const;

  /// Mean squared error of the predictions over the masked patches []. Throws as forward, and if
  /// nothing is masked.
  Var<Scalar, 0> loss(const Var<Scalar, 4>& images, const TokenIndex& idx_keep,
                      const TokenIndex& idx_mask) const;

  /// The right answer for the masked patches [B, M, p p C]: their pixels, normalized if
  /// norm_pix_loss. Throws std::invalid_argument if an index is outside the sequence or that of a
  /// prefix token.
  Var<Scalar, 3> target(const Tensor<Scalar, 4>& images, const TokenIndex& idx_mask) const;

  /// Two pictures of the same size as the input.
  struct Reconstruction {
    Tensor<Scalar, 4> masked;      ///< the input, masked patches zero
    Tensor<Scalar, 4> prediction;  ///< the input, masked patches as predicted
  };

  /// images [B, C, H, W] with its masked patches predicted from the kept ones. A model trained with
  /// norm_pix_loss knows a patch but for its mean and contrast: those are taken from the input, as
  /// in the paper's pictures. Throws as forward.
  Reconstruction reconstruct(const Tensor<Scalar, 4>& images, const TokenIndex& idx_keep,
                             const TokenIndex& idx_mask) const;

 private:
  TokenIndex patch_index(const TokenIndex& idx) const {
    TokenIndex patches = idx;
    for (Index& token : patches) token -= encoder.num_prefix_tokens();
    return patches;
  }

  void check_masked(std::string_view op, const TokenIndex& idx_mask, Index batch) const;

  void check(const Var<Scalar, 4>& images, const TokenIndex& idx_keep,
             const TokenIndex& idx_mask) const;
};

template <std::floating_point Scalar>
Var<Scalar, 3> MAE<Scalar>::forward(const Var<Scalar, 4>& images, const TokenIndex& idx_keep,
                                    const TokenIndex& idx_mask) const {
  check(images, idx_keep, idx_mask);
  const auto latent = encoder.encode(images, {.idx_keep = idx_keep});
  return prediction_head(decoder.predict(decoder_embed(latent), idx_keep, idx_mask));
}

template <std::floating_point Scalar>
Var<Scalar, 0> MAE<Scalar>::loss(const Var<Scalar, 4>& images, const TokenIndex& idx_keep,
                                 const TokenIndex& idx_mask) const {
  const Var<Scalar, 3> prediction = forward(images, idx_keep, idx_mask);
  return mse_loss(prediction, target(images.value(), idx_mask));
}

template <std::floating_point Scalar>
Var<Scalar, 3> MAE<Scalar>::target(const Tensor<Scalar, 4>& images,
                                   const TokenIndex& idx_mask) const {
  check_masked("MAE::target", idx_mask, images.dim(0));
  const auto patches = patchify_at_index(Var<Scalar, 4>::borrowed(images),
                                         encoder.config.patch_size, patch_index(idx_mask));
  return norm_pix_loss ? normalize_mean_var(patches) : patches;
}

template <std::floating_point Scalar>
void MAE<Scalar>::check_masked(std::string_view op, const TokenIndex& idx_mask, Index batch) const {
  check_token_index(op, "idx_mask", idx_mask, batch, encoder.sequence_length());
  for (Index b = 0; b < batch; ++b) {
    for (Index k = 0; k < idx_mask.dim(1); ++k) {
      if (idx_mask(b, k) < encoder.num_prefix_tokens()) {
        refuse(op, "idx_mask(", b, ", ", k, ") = ", idx_mask(b, k),
               " is a prefix token, which has no pixels to predict");
      }
    }
  }
}

template <std::floating_point Scalar>
void MAE<Scalar>::check(const Var<Scalar, 4>& images, const TokenIndex& idx_keep,
                        const TokenIndex& idx_mask) const {
  const Size& size = encoder.config.image_size;
  if (images.dim(2) != size.height || images.dim(3) != size.width) {
    refuse("MAE", "images ", images.shape(), " must be of the model's size ", size);
  }
  const Index length = encoder.sequence_length();
  auto all = TokenIndex::empty({images.dim(0), idx_keep.dim(1) + idx_mask.dim(1)});
  check_token_index("MAE", "idx_keep", idx_keep, images.dim(0), length);
  check_masked("MAE", idx_mask, images.dim(0));
  for (Index b = 0; b < images.dim(0); ++b) {
    std::copy_n(idx_mask.row(b), idx_mask.dim(1),
                std::copy_n(idx_keep.row(b), idx_keep.dim(1), all.row(b)));
  }
  check_token_index_unique("MAE", "[idx_keep | idx_mask]", all, length);
}

template <std::floating_point Scalar>
typename MAE<Scalar>::Reconstruction MAE<Scalar>::reconstruct(const Tensor<Scalar, 4>& images,
                                                              const TokenIndex& idx_keep,
                                                              const TokenIndex& idx_mask) const {
  const Index patch = encoder.config.patch_size;
  const auto input = Var<Scalar, 4>::borrowed(images);
  const Tensor<Scalar, 3> predicted = forward(input, idx_keep, idx_mask).value();
  Tensor<Scalar, 3> masked = patchify(input, patch).value();
  Tensor<Scalar, 3> completed = masked;
  const TokenIndex patches = patch_index(idx_mask);
  const Index values = predicted.cols();
  for (Index b = 0; b < images.dim(0); ++b) {
    for (Index k = 0; k < patches.dim(1); ++k) {
      const Index row = b * masked.dim(1) + patches(b, k);
      ArrayMap<Scalar> original(masked.row(row), values);
      ArrayMap<Scalar> result(completed.row(row), values);
      result = ConstArrayMap<Scalar>(predicted.row(b * patches.dim(1) + k), values);
      if (norm_pix_loss) {
        const Scalar mean = original.mean();
        const Scalar variance = (original - mean).square().sum() / static_cast<Scalar>(values - 1);
        result = result * std::sqrt(variance + Scalar(1e-6)) + mean;
      }
      original.setZero();
    }
  }
  const auto to_images = [&](Tensor<Scalar, 3> rows) {
    return unpatchify(Var(std::move(rows)), patch, images.dim(2), images.dim(3)).value();
  };
  return {to_images(std::move(masked)), to_images(std::move(completed))};
}

}  // namespace tessera
