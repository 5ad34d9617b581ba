#pragma once

#include <cmath>
#include <string_view>

#include "tessera/core/error.hpp"
#include "tessera/data/augment/augmentation.hpp"
#include "tessera/masking/multi_block/config.hpp"
#include "tessera/models/initialize.hpp"
#include "tessera/models/presets.hpp"
#include "tessera/train/adamw.hpp"
#include "tessera/train/schedule.hpp"

namespace tessera::run {

/// The optimization of a model: batches, epochs, AdamW and its schedules. Rates are set for each
/// step, at fractional epochs.
struct Optimization {
  Index batch = 4096;
  Index epochs = 800;
  double warmup_epochs = 40;
  double start_rate = 0;
  double peak_rate = 0;  ///< as it is used, not that of 256 images
  double final_rate = 0;
  double beta1 = 0.9;
  double beta2 = 0.95;
  double weight_decay = 0.05;
  double final_weight_decay = 0.05;  ///< reached by half a cosine without warm-up
  double clip_norm = 0;              ///< of all gradients together; 0: not clipped
  Index first_step = 0;              ///< number of the first step in the schedules: 0 or 1
};

/// An optimization with another batch: rates follow in proportion (Goyal et al. 2017).
inline Optimization with_batch(Optimization optimization, Index batch) {
  if (batch < 1) refuse("with_batch", "batch = ", batch, " is not positive");
  const double factor = static_cast<double>(batch) / static_cast<double>(optimization.batch);
  optimization.batch = batch;
  optimization.start_rate *= factor;
  optimization.peak_rate *= factor;
  optimization.final_rate *= factor;
  return optimization;
}

/// Throws std::invalid_argument "op: reason" unless the optimization can be carried out.
inline void check_optimization(std::string_view op, const Optimization& how) {
  if (how.batch < 1) refuse(op, "batch = ", how.batch, " is not positive");
  if (how.epochs < 1) refuse(op, "epochs = ", how.epochs, " is not positive");
  if (!(how.warmup_epochs >= 0 && how.warmup_epochs < static_cast<double>(how.epochs))) {
    refuse(op, "warmup_epochs = ", how.warmup_epochs, " is not in [0, ", how.epochs,
           "), the epochs");
  }
  const auto check = [&](std::string_view name, double value) {
    if (!(value >= 0 && std::isfinite(value))) {
      refuse(op, name, " = ", value, " is negative or not finite");
    }
  };
  if (!(how.peak_rate > 0)) refuse(op, "peak_rate = ", how.peak_rate, " is not positive");
  check("start_rate", how.start_rate);
  check("peak_rate", how.peak_rate);
  check("final_rate", how.final_rate);
  check("weight_decay", how.weight_decay);
  check("final_weight_decay", how.final_weight_decay);
  check("clip_norm", how.clip_norm);
  if (how.first_step != 0 && how.first_step != 1) {
    refuse(op, "first_step = ", how.first_step, " is neither 0 nor 1");
  }
  (void)AdamW<float>({.beta1 = how.beta1, .beta2 = how.beta2});  // refuses betas outside [0, 1)
}

namespace detail {

/// Throws std::invalid_argument "op: name = value ..." unless the value is in [0, 1].
inline void check_share(std::string_view op, std::string_view name, double value) {
  if (!(value >= 0 && value <= 1)) refuse(op, name, " = ", value, " is not in [0, 1]");
}

/// Both methods train on one view of each picture.
inline void check_one_view(std::string_view op, const data::Augmentation& augmentation) {
  data::check_augmentation(op, augmentation);
  if (augmentation.views.size() != 1 || augmentation.views[0].count != 1) {
    refuse(op, "the augmentation has several views; this method takes one");
  }
}

}  // namespace detail

/// AdamW's settings for step `step`, counted from 0, of epochs of `steps_per_epoch` steps.
inline AdamWConfig adamw_at(const Optimization& how, Index step, Index steps_per_epoch) {
  const Index number = step + how.first_step;
  const double epoch = static_cast<double>(number) / static_cast<double>(steps_per_epoch);
  const auto epochs = static_cast<double>(how.epochs);
  const WarmupCosine rate{.start = how.start_rate,
                          .peak = how.peak_rate,
                          .final = how.final_rate,
                          .warmup = how.warmup_epochs,
                          .total = epochs};
  const WarmupCosine decay{
      .peak = how.weight_decay, .final = how.final_weight_decay, .total = epochs};
  return {.lr = rate(epoch), .beta1 = how.beta1, .beta2 = how.beta2, .weight_decay = decay(epoch)};
}

/// A pre-training by masked autoencoding, whole but for the data.
struct MaeRecipe {
  MAEConfig model;
  InitRecipe initialization = InitRecipe::mae;
  data::Augmentation augmentation;
  double mask_ratio = 0.75;
  Optimization optimization;
};

/// Throws std::invalid_argument "op: reason" unless the recipe can be carried out; whether it makes
/// a model, the model says.
inline void check_recipe(std::string_view op, const MaeRecipe& recipe) {
  check_optimization(op, recipe.optimization);
  detail::check_one_view(op, recipe.augmentation);
  detail::check_share(op, "mask_ratio", recipe.mask_ratio);
}

/// A pre-training by I-JEPA, whole but for the data.
struct IjepaRecipe {
  IJEPAConfig model;
  InitRecipe initialization = InitRecipe::ijepa;
  data::Augmentation augmentation;
  MultiBlockMaskConfig masks;
  double start_momentum = 0.996;  ///< of the target encoder; grows along a line
  double final_momentum = 1.0;
  Optimization optimization;
};

/// Throws std::invalid_argument "op: reason" unless the recipe can be carried out.
inline void check_recipe(std::string_view op, const IjepaRecipe& recipe) {
  check_optimization(op, recipe.optimization);
  detail::check_one_view(op, recipe.augmentation);
  detail::check_share(op, "start_momentum", recipe.start_momentum);
  detail::check_share(op, "final_momentum", recipe.final_momentum);
}

/// MAE's published pre-training (facebookresearch/mae, PRETRAIN.md and main_pretrain.py; the
/// paper's table 8): 4096 images a step, 800 epochs, 40 of them warm-up, rate 1.5e-4 for 256
/// images, half a cosine to 0, AdamW with beta2 0.95 and weight decay 0.05, pixels normalized by
/// patch. `model` is a name for mae_config.
inline MaeRecipe mae_pretraining(std::string_view model = "mae_vit_base_patch16") {
  MaeRecipe recipe{.model = mae_config(model),
                   .augmentation = data::mae_augmentation(224),
                   .optimization = {.batch = 4096,
                                    .epochs = 800,
                                    .warmup_epochs = 40,
                                    .peak_rate = 1.5e-4 * 4096 / 256,
                                    .beta2 = 0.95,
                                    .weight_decay = 0.05,
                                    .final_weight_decay = 0.05}};
  recipe.model.norm_pix_loss = true;
  return recipe;
}

/// I-JEPA's published pre-training (facebookresearch/ijepa, configs/in1k_vith14_ep300.yaml): 2048
/// images a step, 300 epochs, rate 2e-4 to 1e-3 in 40 epochs, then to 1e-6, weight decay 0.04 to
/// 0.4, momentum 0.996 to 1. `model` is a name for ijepa_config. Masks are the collator's own,
/// MultiBlock- Mode::reference.
inline IjepaRecipe ijepa_pretraining(std::string_view model = "ijepa_vit_huge_patch14") {
  IjepaRecipe recipe{.model = ijepa_config(model),
                     .augmentation = data::ijepa_augmentation(224),
                     .masks = {.mode = MultiBlockMode::reference},
                     .optimization = {.batch = 2048,
                                      .epochs = 300,
                                      .warmup_epochs = 40,
                                      .start_rate = 2e-4,
                                      .peak_rate = 1e-3,
                                      .final_rate = 1e-6,
                                      .beta2 = 0.999,
                                      .weight_decay = 0.04,
                                      .final_weight_decay = 0.4,
                                      .first_step = 1}};
  recipe.masks.patch_size = recipe.model.encoder.patch_size;
  return recipe;
}

}  // namespace tessera::run
