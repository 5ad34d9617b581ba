#pragma once

#include <cstddef>
#include <initializer_list>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "tessera/core/error.hpp"
#include "tessera/io/text/json_text.hpp"
#include "tessera/run/recipe.hpp"

namespace tessera::run {

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
