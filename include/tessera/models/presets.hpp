#pragma once

#include <array>
#include <string>
#include <string_view>

#include "tessera/models/ijepa.hpp"
#include "tessera/models/mae.hpp"

namespace tessera {

namespace detail {

struct NamedVit {
  std::string_view name;
  Index embed_dim;
  Index depth;
  Index num_heads;
  double mlp_ratio;
};

// timm's sizes; Dosovitskiy et al., 2021, table 1, and Zhai et al., "Scaling vision transformers".
inline constexpr std::array<NamedVit, 6> vit_sizes{{
    {"tiny", 192, 12, 3, 4},
    {"small", 384, 12, 6, 4},
    {"base", 768, 12, 12, 4},
    {"large", 1024, 24, 16, 4},
    {"huge", 1280, 32, 16, 4},
    {"giant", 1408, 40, 16, 48.0 / 11.0},
}};

/// The number at the end of "..._patchN", 0 if there is none.
inline Index patch_of(std::string_view name) {
  const std::size_t start = name.find("_patch");
  if (start == std::string_view::npos) return 0;
  Index patch = 0;
  for (const char digit : name.substr(start + 6)) {
    if (digit < '0' || digit > '9' || patch > 1000) return 0;
    patch = 10 * patch + (digit - '0');
  }
  return patch;
}

/// Encoder config of "<prefix><size>_patch<N>".
inline MaskedVisionTransformerConfig vit_preset(std::string_view op, std::string_view prefix,
                                                std::string_view name) {
  for (const NamedVit& vit : vit_sizes) {
    const std::string start = tessera::concat(prefix, vit.name, "_patch");
    if (!name.starts_with(start) || patch_of(name) == 0) continue;
    return {.patch_size = patch_of(name),
            .embed_dim = vit.embed_dim,
            .depth = vit.depth,
            .num_heads = vit.num_heads,
            .mlp_ratio = vit.mlp_ratio};
  }
  refuse(op, "there is no preset \"", name, "\"; known are ", prefix,
         "{tiny,small,base,large,huge,giant}_patch<N>");
  return {};
}

}  // namespace detail

/// Encoder by timm's name, "vit_{tiny,small,base,large,huge,giant}_patch<N>", for 224 pixels.
/// Throws std::invalid_argument for any other name.
inline MaskedVisionTransformerConfig vit_config(std::string_view name) {
  return detail::vit_preset("vit_config", "vit_", name);
}

/// MAE by the published code's name, "mae_vit_{...}_patch<N>": decoder of width 512, depth 8, 16
/// heads. Throws std::invalid_argument for any other name.
inline MAEConfig mae_config(std::string_view name) {
  return {.encoder = detail::vit_preset("mae_config", "mae_vit_", name)};
}

/// I-JEPA by "ijepa_vit_{...}_patch<N>": no class token; predictor of width 384 with the encoder's
/// heads, depth 12 (giant: 16). Throws std::invalid_argument for any other name.
inline IJEPAConfig ijepa_config(std::string_view name) {
  IJEPAConfig config{.encoder = detail::vit_preset("ijepa_config", "ijepa_vit_", name)};
  config.encoder.class_token = false;
  config.encoder.global_pool = GlobalPool::avg;
  config.predictor_num_heads = config.encoder.num_heads;
  config.predictor_depth = config.encoder.embed_dim > 1280 ? 16 : 12;
  return config;
}

}  // namespace tessera
