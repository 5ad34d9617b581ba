#pragma once

#include "support/models/random_model.hpp"
#include "support/random_tensor.hpp"
#include "tessera/masking/random/random_token_mask.hpp"
#include "tessera/models/ijepa.hpp"
#include "tessera/models/mae.hpp"

namespace tessera::test {

/// Grid 3 x 4 over images [B, 2, 12, 16]; 12 patches behind one class token.
inline MaskedVisionTransformerConfig tiny_encoder() {
  return {.image_size = {12, 16},
          .patch_size = 4,
          .in_chans = 2,
          .embed_dim = 12,
          .depth = 2,
          .num_heads = 3,
          .mlp_ratio = 2};
}

inline MAEConfig tiny_mae() {
  return {.encoder = tiny_encoder(),
          .decoder_embed_dim = 8,
          .decoder_depth = 2,
          .decoder_num_heads = 2,
          .decoder_mlp_ratio = 2};
}

inline IJEPAConfig tiny_ijepa() {
  IJEPAConfig config{.encoder = tiny_encoder(),
                     .predictor_embed_dim = 8,
                     .predictor_depth = 2,
                     .predictor_num_heads = 2,
                     .predictor_mlp_ratio = 2};
  config.encoder.class_token = false;
  config.encoder.global_pool = GlobalPool::avg;
  return config;
}

inline MaskedVisionTransformerDecoderConfig tiny_decoder() {
  return {.grid = {3, 4},
          .num_prefix_tokens = 1,
          .embed_dim = 8,
          .depth = 2,
          .num_heads = 2,
          .mlp_ratio = 2};
}

template <class Scalar = double>
Tensor<Scalar, 4> tiny_images(Index batch = 2, std::uint64_t seed = 31) {
  return random_tensor<4, Scalar>({batch, 2, 12, 16}, seed);
}

/// Five of 13 tokens kept, the class token first.
inline KeepMask tiny_masks(Index batch = 2, std::uint64_t seed = 5) {
  Generator generator(seed);
  return random_token_mask({batch, 13}, {.mask_ratio = 0.6}, generator);
}

template <template <class> class Model, class Scalar = double>
Model<Scalar> random_model(const typename Model<Scalar>::Config& config, std::uint64_t seed = 41) {
  Model<Scalar> model(config);
  randomize(model, seed);
  return model;
}

}  // namespace tessera::test
