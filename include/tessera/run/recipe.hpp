#pragma once

#include <cmath>
#include <cstddef>
#include <initializer_list>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "tessera/core/error.hpp"
#include "tessera/data/augment/augmentation.hpp"
#include "tessera/io/text/json_text.hpp"
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

/// Settings by name, as they are written into a save and compared when the run is resumed.
using SettingList = std::vector<std::pair<std::string, std::string>>;

namespace detail {

/// Collects settings as texts that give numbers back.
class Settings {
 public:
  void add(std::string name, std::string value) {
    list_.emplace_back(std::move(name), std::move(value));
  }
  void add(std::string name, const char* value) { add(std::move(name), std::string(value)); }
  void add(std::string name, double value) { add(std::move(name), io::number_text(value)); }
  void add(std::string name, Index value) { add(std::move(name), std::to_string(value)); }
  void add(std::string name, int value) { add(std::move(name), static_cast<Index>(value)); }
  /// An enumerator by its name, so that a save keeps its meaning when others are added.
  template <class Enum>
    requires std::is_enum_v<Enum>
  void add(std::string name, Enum value, std::initializer_list<const char*> names) {
    const auto number = static_cast<std::size_t>(value);
    if (number >= names.size()) refuse("settings_of", name, " has no name for value ", number);
    add(std::move(name), names.begin()[number]);
  }
  void add(std::string name, bool value) { add(std::move(name), std::string(value ? "1" : "0")); }
  void add(std::string name, const Size& size) {
    add(std::move(name), concat(size.height, "x", size.width));
  }
  void add(const Optimization& how) {
    add("batch", how.batch);
    add("epochs", how.epochs);
    add("warmup_epochs", how.warmup_epochs);
    add("start_rate", how.start_rate);
    add("peak_rate", how.peak_rate);
    add("final_rate", how.final_rate);
    add("beta1", how.beta1);
    add("beta2", how.beta2);
    add("weight_decay", how.weight_decay);
    add("final_weight_decay", how.final_weight_decay);
    add("clip_norm", how.clip_norm);
    add("first_step", how.first_step);
  }
  void add(const data::Augmentation& augmentation) {
    for (std::size_t i = 0; i < augmentation.views.size(); ++i) {
      const data::View& view = augmentation.views[i];
      const std::string prefix = concat("view", i, ".");
      add(prefix + "count", view.count);
      add(prefix + "size", view.size);
      add(prefix + "framing", view.framing, {"random_resized_crop", "center_crop", "whole"});
      add(prefix + "area_low", view.crop.area_low);
      add(prefix + "area_high", view.crop.area_high);
      add(prefix + "ratio_low", view.crop.ratio_low);
      add(prefix + "ratio_high", view.crop.ratio_high);
      add(prefix + "shorter_side", view.shorter_side);
      add(prefix + "filter", view.filter, {"box", "bilinear", "hamming", "bicubic", "lanczos"});
      add(prefix + "flip", view.flip);
      add(prefix + "jitter_probability", view.jitter_probability);
      add(prefix + "brightness", view.jitter.brightness);
      add(prefix + "contrast", view.jitter.contrast);
      add(prefix + "saturation", view.jitter.saturation);
      add(prefix + "hue", view.jitter.hue);
      add(prefix + "gray", view.gray);
      add(prefix + "blur", view.blur);
      add(prefix + "blur_low", view.blur_low);
      add(prefix + "blur_high", view.blur_high);
      add(prefix + "solarize", view.solarize);
      add(prefix + "solarize_threshold", view.solarize_threshold);
    }
    for (std::size_t c = 0; c < 3; ++c) {
      add(concat("mean", c), augmentation.normalization.mean[c]);
      add(concat("std", c), augmentation.normalization.std[c]);
    }
  }
  void add(const MaskedVisionTransformerConfig& encoder) {
    add("image_size", encoder.image_size);
    add("patch_size", encoder.patch_size);
    add("in_chans", encoder.in_chans);
    add("embed_dim", encoder.embed_dim);
    add("depth", encoder.depth);
    add("num_heads", encoder.num_heads);
    add("mlp_ratio", encoder.mlp_ratio);
    add("qkv_bias", encoder.qkv_bias);
    add("class_token", encoder.class_token);
    add("reg_tokens", encoder.reg_tokens);
    add("no_embed_class", encoder.no_embed_class);
    if (encoder.init_values) add("init_values", *encoder.init_values);
    add("proj_drop_rate", encoder.proj_drop_rate);
    add("drop_path_rate", encoder.drop_path_rate);
    add("layer_norm_eps", encoder.layer_norm_eps);
    add("pos_embed", encoder.pos_embed, {"sincos", "learned"});
    add("resampling", encoder.resampling, {"plain", "antialias"});
    add("global_pool", encoder.global_pool, {"token", "avg"});
    add("fc_norm", encoder.fc_norm);
    add("activation", encoder.activation, {"gelu", "gelu_tanh", "swiglu"});
  }

  void add(const Interval& interval, const std::string& name) {
    add(name + "_low", interval.low);
    add(name + "_high", interval.high);
  }
  void add(const MultiBlockMaskConfig& masks) {
    add(masks.enc_mask_scale, "enc_mask_scale");
    add(masks.pred_mask_scale, "pred_mask_scale");
    add(masks.aspect_ratio, "aspect_ratio");
    add("nenc", masks.nenc);
    add("npred", masks.npred);
    add("min_keep", masks.min_keep);
    add("allow_overlap", masks.allow_overlap);
    add("mask_mode", masks.mode, {"reference", "unbiased"});
    if (masks.context_length) add("context_length", *masks.context_length);
  }

  SettingList take() { return std::move(list_); }

 private:
  SettingList list_;
};

}  // namespace detail

inline SettingList settings_of(const MaeRecipe& recipe) {
  detail::Settings settings;
  settings.add("method", "mae");
  settings.add(recipe.model.encoder);
  settings.add("decoder_embed_dim", recipe.model.decoder_embed_dim);
  settings.add("decoder_depth", recipe.model.decoder_depth);
  settings.add("decoder_num_heads", recipe.model.decoder_num_heads);
  settings.add("decoder_mlp_ratio", recipe.model.decoder_mlp_ratio);
  settings.add("norm_pix_loss", recipe.model.norm_pix_loss);
  settings.add("initialization", recipe.initialization, {"mae", "ijepa", "timm", "lightly"});
  settings.add("mask_ratio", recipe.mask_ratio);
  settings.add(recipe.augmentation);
  settings.add(recipe.optimization);
  return settings.take();
}

inline SettingList settings_of(const IjepaRecipe& recipe) {
  detail::Settings settings;
  settings.add("method", "ijepa");
  settings.add(recipe.model.encoder);
  settings.add("predictor_embed_dim", recipe.model.predictor_embed_dim);
  settings.add("predictor_depth", recipe.model.predictor_depth);
  settings.add("predictor_num_heads", recipe.model.predictor_num_heads);
  settings.add("predictor_mlp_ratio", recipe.model.predictor_mlp_ratio);
  settings.add("initialization", recipe.initialization, {"mae", "ijepa", "timm", "lightly"});
  settings.add(recipe.masks);
  settings.add("start_momentum", recipe.start_momentum);
  settings.add("final_momentum", recipe.final_momentum);
  settings.add(recipe.augmentation);
  settings.add(recipe.optimization);
  return settings.take();
}

}  // namespace tessera::run
