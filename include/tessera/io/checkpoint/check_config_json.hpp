#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <string>
#include <string_view>

#include "tessera/core/error.hpp"
#include "tessera/io/checkpoint/data.hpp"
#include "tessera/io/file/fail.hpp"
#include "tessera/io/text/json_text.hpp"
#include "tessera/io/text/printable.hpp"

namespace tessera::io::detail {

/// Models of timm that compute something else with tensors of the same names.
struct UnlikeArchitecture {
  std::string_view part;  ///< of the name
  std::string_view also;  ///< another part
  std::string_view why;

  bool matches(std::string_view name) const {
    return name.find(part) != std::string_view::npos && name.find(also) != std::string_view::npos;
  }
};
inline constexpr auto unlike_architectures = std::to_array<UnlikeArchitecture>({
    {"_rpn_", "", "its blocks normalize after attention and MLP, not before"},
    {"quickgelu", "", "its activation is quick GELU, not GELU"},
    {"_clip_", "", "it normalizes before its blocks, with another epsilon"},
    {"_xp_", "", "its attention and MLP are parallel"},
    {"_18x2_", "", "its blocks are parallel"},
    {"vit_dlittle_", "", "its attention is differential"},
    {"vit_dwee_", "", "its attention is differential"},
    {"vit_dpwee_", "", "its attention is differential"},
    {"vit_pwee_", "", "its attention and MLP are parallel"},
    {"beit3_", "", "it normalizes inside of attention and MLP"},
    {"aimv2_", "", "it has RMS norms"},
    {"test_vit4", "", "it has RMS norms"},
});

/// Models of timm whose GELU is the one by tanh: all with both parts in their names.
struct TanhArchitecture {
  std::string_view part;
  std::string_view also;
};
inline constexpr auto tanh_architectures =
    std::to_array<TanhArchitecture>({{"_so400m_patch16_siglip", ""},
                                     {"_giantopt_", "siglip"},
                                     {"_base_patch32_siglip", ""},
                                     {"_large_patch16_siglip", "_512"}});

/// The activation that a config.json says: Hugging Face's, an argument of timm's, or what timm's
/// model of that name has.
inline std::optional<Activation> config_activation(const JsonValues& config) {
  for (const char* key : {"hidden_act", "model_args.act_layer"}) {
    const std::string name = config.get<std::string>(key).value_or("");
    if (name == "gelu") return Activation::gelu;
    if (name == "gelu_tanh" || name == "gelu_pytorch_tanh") return Activation::gelu_tanh;
  }
  const std::string architecture = config.get<std::string>("architecture").value_or("");
  for (const TanhArchitecture& known : tanh_architectures) {
    const bool is_known = architecture.find(known.part) != std::string::npos &&
                          architecture.find(known.also) != std::string::npos;
    if (is_known) return Activation::gelu_tanh;
  }
  return std::nullopt;
}

/// Arguments of timm's constructor that tensors and other facts answer, or that only training uses.
inline constexpr auto known_arguments = std::to_array<std::string_view>(
    {"img_size",         "patch_size",     "in_chans",      "num_classes",     "global_pool",
     "embed_dim",        "depth",          "num_heads",     "mlp_ratio",       "qkv_bias",
     "init_values",      "class_token",    "reg_tokens",    "no_embed_class",  "fc_norm",
     "dynamic_img_size", "drop_rate",      "pos_drop_rate", "patch_drop_rate", "proj_drop_rate",
     "attn_drop_rate",   "drop_path_rate", "weight_init",   "fix_init",        "act_layer"});

/// Those that may only be as they are when nobody gives them.
struct DefaultArgument {
  std::string_view name;
  bool flag = false;
  std::string_view text = {};
};
inline constexpr auto default_arguments = std::to_array<DefaultArgument>({
    {"qk_norm"},
    {"scale_attn_norm"},
    {"scale_mlp_norm"},
    {"pre_norm"},
    {"pool_include_prefix"},
    {"dynamic_img_pad"},
    {"proj_bias", true},
    {"final_norm", true},
    {"pos_embed", false, "learn"},
    {"norm_layer", false, "layernorm"},
    {"mlp_layer", false, "mlp"},
    {"attn_layer", false, "attention"},
    {"block_fn", false, "block"},
    {"embed_layer", false, "patch_embed"},
});

/// Compares one config.json with the tensors. Every complaint is a std::runtime_error that names
/// the file and the key.
class ConfigAgreement {
 public:
  ConfigAgreement(const Checkpoint& file, const CheckpointFacts& facts)
      : config_(file.config), weights_(file.source.label()), facts_(facts) {}

  void check() const {
    check_hugging_face();
    check_timm();
  }

 private:
  static std::string text(bool value) { return value ? "true" : "false"; }
  static std::string text(Index value) { return std::to_string(value); }

  template <class T>
  void same(const std::string& key, const T& actual) const {
    const std::optional<T> said = config_.get<T>(key);
    if (!said || *said == actual) return;
    refuse_file(config_.label(), key, " is ", text(*said), ", but the tensors of ", weights_,
                " make it ", text(actual));
  }

  /// GELU in either form; the decoder of an MAE has the exact one alone.
  void check_activation(const std::string& key, std::string_view tanh_name) const {
    const std::string name = config_.get<std::string>(key).value_or("gelu");
    if (name == "gelu") return;
    if (name != tanh_name) {
      refuse_file(config_.label(), key, " ", in_quotes(name), " is not supported; gelu and ",
                  tanh_name, " are");
    }
    if (facts_.decoder) {
      refuse_file(config_.label(), key, " ", in_quotes(name),
                  " is not supported beside a decoder; gelu is");
    }
  }

  /// A side length, written as one number or as two.
  void same_side(const std::string& key, Index actual) const {
    for (const char* part : {".0", ".1"}) {
      if (config_.contains(key + part)) same(key + part, actual);
    }
    if (!config_.contains(key + ".0")) same(key, actual);
  }

  void check_hugging_face() const {
    same("hidden_size", facts_.encoder->dim);
    same("num_hidden_layers", facts_.encoder->depth);
    same("intermediate_size", facts_.encoder->mlp_hidden);
    same_side("patch_size", facts_.patch_size);
    same("num_channels", facts_.in_chans);
    same("qkv_bias", facts_.encoder->qkv_bias);
    same("num_register_tokens", facts_.reg_tokens);
    same("use_swiglu_ffn", facts_.encoder->gated);
    if (facts_.decoder) {
      same("decoder_hidden_size", facts_.decoder->dim);
      same("decoder_num_hidden_layers", facts_.decoder->depth);
      same("decoder_intermediate_size", facts_.decoder->mlp_hidden);
    }
    check_activation("hidden_act", "gelu_pytorch_tanh");
    const std::string type = config_.get<std::string>("model_type").value_or("timm_wrapper");
    if (type == "timm_wrapper") return;  // timm's own settings
    check_type(type);
    if (type.starts_with("dinov2")) check_ratio();
  }

  /// DINOv2 says the MLP's width as a share; its SwiGLU takes two thirds, rounded up to eight.
  void check_ratio() const {
    const auto ratio = config_.get<double>("mlp_ratio");
    if (!ratio || !(std::abs(*ratio) < 1000)) return;
    const auto full = static_cast<Index>(*ratio * static_cast<double>(facts_.encoder->dim));
    const bool gated = facts_.encoder->gated;
    const Index hidden = gated ? (full * 2 / 3 + 7) / 8 * 8 : full;
    if (hidden == facts_.encoder->mlp_hidden) return;
    refuse_file(config_.label(), "mlp_ratio is ", *ratio, ", which makes an MLP of ", hidden,
                ", but the tensors of ", weights_, " have ", facts_.encoder->mlp_hidden);
  }

  void check_type(const std::string& type) const {
    const bool scaled = facts_.encoder->layer_scale;
    const bool registers = facts_.reg_tokens > 0;
    bool fits = false;
    if (type == "vit" || type == "vit_mae" || type == "vit_msn") {
      fits = facts_.class_token && !scaled && !registers;
    } else if (type == "ijepa") {
      fits = !facts_.class_token && !scaled && !registers;
    } else if (type == "dinov2") {
      fits = scaled && !registers;
    } else if (type == "dinov2_with_registers") {
      fits = scaled && registers;
    } else {
      refuse_file(
          config_.label(), "model_type ", in_quotes(type),
          " is not supported; vit, vit_mae, vit_msn, ijepa, dinov2 and dinov2_with_registers are");
    }
    if (!fits) {
      refuse_file(config_.label(), "model_type is ", in_quotes(type), ", but ", weights_, " has ",
                  facts_.class_token ? "a class token, " : "no class token, ", facts_.reg_tokens,
                  " registers and ", scaled ? "LayerScale" : "no LayerScale");
    }
  }

  void check_timm() const {
    if (const auto architecture = config_.get<std::string>("architecture")) {
      check_architecture(*architecture);
    }
    same("num_features", facts_.encoder->dim);
    same("pretrained_cfg.input_size.0", facts_.in_chans);
    check_arguments();
    const std::string args = "model_args.";
    check_activation(args + "act_layer", "gelu_tanh");
    same(args + "embed_dim", facts_.encoder->dim);
    same(args + "depth", facts_.encoder->depth);
    same(args + "in_chans", facts_.in_chans);
    same_side(args + "patch_size", facts_.patch_size);
    same(args + "class_token", facts_.class_token);
    same(args + "reg_tokens", facts_.reg_tokens);
    same(args + "qkv_bias", facts_.encoder->qkv_bias);
    same(args + "fc_norm", facts_.fc_norm);
    if (const auto init = config_.get<double>(args + "init_values");
        init.has_value() != facts_.encoder->layer_scale && config_.contains(args + "init_values")) {
      refuse_file(config_.label(), args, "init_values is ", init ? number_text(*init) : "null",
                  ", but the tensors of ", weights_, " have ",
                  init ? "no LayerScale" : "LayerScale");
    }
    if (const auto ratio = config_.get<double>(args + "mlp_ratio")) {
      const Index rows = facts_.encoder->mlp_rows();
      if (static_cast<Index>(*ratio * static_cast<double>(facts_.encoder->dim)) != rows) {
        refuse_file(config_.label(), args, "mlp_ratio is ", *ratio, ", but the tensors of ",
                    weights_, " have ", rows, " rows in mlp.fc1 for a width of ",
                    facts_.encoder->dim);
      }
    }
  }

  void check_architecture(const std::string& name) const {
    for (const UnlikeArchitecture& unlike : unlike_architectures) {
      if (!unlike.matches(name)) continue;
      refuse_file(config_.label(), "architecture ", in_quotes(name),
                  " is not supported: ", unlike.why);
    }
    for (const std::string_view pool_key : {"global_pool", "model_args.global_pool"}) {
      const std::string pool = config_.get<std::string>(pool_key).value_or("");
      if (!pool.empty() && pool != "token" && pool != "avg") {
        refuse_file(config_.label(), pool_key, " ", in_quotes(pool),
                    " is not supported; token and avg are");
      }
    }
  }

  /// Every argument that a model was made with must be known here, or be its default.
  void check_arguments() const {
    constexpr std::string_view args = "model_args.";
    for (auto found = config_.values().lower_bound(args);
         found != config_.values().end() && found->first.starts_with(args); ++found) {
      const std::string key = found->first.substr(args.size());
      const std::string name = key.substr(0, key.find('.'));
      if (std::ranges::count(known_arguments, name) > 0) continue;
      const auto* one = std::ranges::find(default_arguments, name, &DefaultArgument::name);
      if (one == default_arguments.end()) {
        refuse_file(config_.label(), "model_args.", printable(name), " is not understood");
      }
      const bool is_default = std::holds_alternative<std::nullptr_t>(found->second) ||
                              found->second == JsonValues::Value(one->flag) ||
                              found->second == JsonValues::Value(std::string(one->text));
      if (!is_default) {
        refuse_file(config_.label(), "model_args.", name, " is supported only as ",
                    one->text.empty() ? (one->flag ? "true" : "false") : one->text);
      }
    }
  }

  const JsonValues& config_;
  const std::string& weights_;
  const CheckpointFacts& facts_;
};

/// Throws std::runtime_error naming config.json, the key and both values where they disagree.
inline void check_config(const Checkpoint& file, const CheckpointFacts& facts) {
  ConfigAgreement(file, facts).check();
}

}  // namespace tessera::io::detail
