#pragma once

#include "tessera/run/recipe.hpp"

namespace tessera::run::test {

/// An MAE of some thousand parameters on pictures of 8 x 8 pixels; `epochs` of any set.
inline MaeRecipe little_mae(Index batch, Index epochs) {
  MaeRecipe recipe{
      .model = {.encoder = {.image_size = {8, 8},
                            .patch_size = 4,
                            .embed_dim = 16,
                            .depth = 2,
                            .num_heads = 2,
                            .drop_path_rate = 0.2},
                .decoder_embed_dim = 8,
                .decoder_depth = 1,
                .decoder_num_heads = 2},
      .augmentation = data::mae_augmentation(8),
      .mask_ratio = 0.5,
      .optimization = {
          .batch = batch, .epochs = epochs, .warmup_epochs = 1, .peak_rate = 1e-3, .clip_norm = 1}};
  return recipe;
}

/// An I-JEPA of that kind.
inline IjepaRecipe little_ijepa(Index batch, Index epochs) {
  IjepaRecipe recipe{.model = {.encoder = {.image_size = {16, 16},
                                           .patch_size = 2,
                                           .embed_dim = 16,
                                           .depth = 1,
                                           .num_heads = 2,
                                           .class_token = false},
                               .predictor_embed_dim = 8,
                               .predictor_depth = 1,
                               .predictor_num_heads = 2},
                     .augmentation = data::ijepa_augmentation(16),
                     .masks = {.image_size = {16, 16}, .patch_size = 2, .min_keep = 1},
                     .start_momentum = 0.9,
                     .optimization = {.batch = batch,
                                      .epochs = epochs,
                                      .warmup_epochs = 1,
                                      .peak_rate = 1e-3,
                                      .final_weight_decay = 0.4}};
  return recipe;
}

}  // namespace tessera::run::test
