#pragma once

#include <array>
#include <cmath>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "tessera/io/checkpoint/data.hpp"
#include "tessera/models/presets.hpp"

namespace tessera::io::detail {

/// A stack that was published under names of this beginning, and how many heads it has.
struct PublishedStack {
  std::string_view naming;  ///< "": any
  ModelKind kind;           ///< of what it is part
  Index dim;
  Index depth;
  Index mlp_hidden;
  Index num_heads;
};

/// Encoders have one table in all code. A decoder has 16 heads only in the published MAE;
/// predictors vary, and lightly's decoders are the caller's.
inline constexpr auto published_encoders = std::to_array<PublishedStack>({
    {"", ModelKind::encoder, 1536, 40, 4096, 24},         // DINOv2's giant; the others are presets
    {"mmpretrain", ModelKind::encoder, 768, 8, 2304, 8},  // its small
});
inline constexpr auto published_decoders = std::to_array<PublishedStack>({
    {"mae", ModelKind::mae, 512, 8, 2048, 16},
    {"hugging_face", ModelKind::mae, 512, 8, 2048, 16},
    {"mmpretrain", ModelKind::mae, 512, 8, 2048, 16},
});

inline std::optional<Index> published_heads(std::span<const PublishedStack> published,
                                            std::string_view naming, ModelKind kind,
                                            const StackShape& stack) {
  for (const PublishedStack& one : published) {
    if (naming.starts_with(one.naming) && one.kind == kind && one.dim == stack.dim &&
        one.depth == stack.depth && one.mlp_hidden == stack.mlp_hidden) {
      return one.num_heads;
    }
  }
  return std::nullopt;
}

/// The heads of timm's models whose names begin so, at the width and depth that they have there: a
/// name says nothing about a model that somebody made with other sizes.
struct ArchitectureHeads {
  std::string_view name;
  Index dim;
  Index depth;
  Index num_heads;
};

// Read off timm 1.0.31 (tests/reference/architectures.py). Of names that begin alike the longer one
// comes first.
inline constexpr auto architectures = std::to_array<ArchitectureHeads>({
    {"vit_tiny_", 192, 12, 3},
    {"vit_xsmall_", 256, 10, 4},
    {"vit_wee_", 256, 14, 4},
    {"vit_little_", 320, 14, 5},
    {"vit_small_", 384, 12, 6},
    {"vit_small_patch16_36x1_", 384, 36, 6},
    {"vit_medium_", 512, 12, 8},
    {"vit_mediumd_", 512, 20, 8},
    {"vit_betwixt_", 640, 12, 10},
    {"vit_base_patch16_gap_", 768, 12, 16},
    {"vit_base_", 768, 12, 12},
    {"vit_base_", 896, 12, 14},  // patch16_plus and patch32_plus
    {"vit_so150m_", 896, 18, 14},
    {"vit_so150m2_", 832, 21, 13},
    {"vit_so400m_", 1152, 27, 16},
    {"vit_large_", 1024, 24, 16},
    {"vit_intern300m_", 1024, 24, 16},
    {"vit_huge_", 1280, 32, 16},
    {"vit_giant_", 1408, 40, 16},
    {"vit_giant_", 1536, 40, 24},  // DINOv2's
    {"vit_giantopt_", 1536, 40, 16},
    {"vit_gigantic_", 1664, 48, 16},
    {"flexivit_small", 384, 12, 6},
    {"flexivit_base", 768, 12, 12},
    {"flexivit_large", 1024, 24, 16},
    {"eva_large_", 1024, 24, 16},
    {"deit_tiny_", 192, 12, 3},
    {"deit_small_", 384, 12, 6},
    {"deit_base_", 768, 12, 12},
    {"deit3_small_", 384, 12, 6},
    {"deit3_medium_", 512, 12, 8},
    {"deit3_base_", 768, 12, 12},
    {"deit3_large_", 1024, 24, 16},
    {"deit3_huge_", 1280, 32, 16},
    {"test_vit", 64, 6, 2},
    {"test_vit2", 64, 8, 2},
});

/// The heads of the model of timm that config.json names, if it has the sizes of that model.
inline std::optional<Index> architecture_heads(const JsonValues& config, const StackShape& stack) {
  const std::string name = config.get<std::string>("architecture").value_or("");
  for (const ArchitectureHeads& known : architectures) {
    if (name.starts_with(known.name) && known.dim == stack.dim && known.depth == stack.depth) {
      return known.num_heads;
    }
  }
  return std::nullopt;
}

/// Values that a class of Hugging Face has for keys which its config.json leaves out.
struct TypeDefaults {
  std::optional<Index> num_heads = std::nullopt;
  std::optional<Index> decoder_num_heads = std::nullopt;
  std::optional<double> layer_norm_eps = std::nullopt;
  std::optional<bool> norm_pix_loss = std::nullopt;
};

/// As transformers 5.24 has them.
inline TypeDefaults type_defaults(const JsonValues& config) {
  const std::string type = config.get<std::string>("model_type").value_or("");
  if (type == "vit" || type == "ijepa") return {.num_heads = 12, .layer_norm_eps = 1e-12};
  if (type == "vit_mae") {
    return {
        .num_heads = 12, .decoder_num_heads = 16, .layer_norm_eps = 1e-12, .norm_pix_loss = false};
  }
  if (type == "vit_msn" || type == "dinov2" || type == "dinov2_with_registers") {
    return {.num_heads = 12, .layer_norm_eps = 1e-6};
  }
  return {};
}

/// MoCo v3 has ViTs of the common sizes with other heads.
inline bool is_moco(const Checkpoint& file) {
  return file.entry.find("base_encoder") != std::string::npos ||
         file.entry.find("momentum_encoder") != std::string::npos;
}

/// Heads of the published encoders of these sizes; those of other sizes differ.
inline std::optional<Index> published_encoder_heads(std::string_view naming,
                                                    const StackShape& stack) {
  for (const tessera::detail::NamedVit& vit : tessera::detail::vit_sizes) {
    const auto hidden = std::lround(static_cast<double>(vit.embed_dim) * vit.mlp_ratio);
    if (vit.embed_dim == stack.dim && vit.depth == stack.depth && hidden == stack.mlp_hidden) {
      return vit.num_heads;
    }
  }
  return published_heads(published_encoders, naming, ModelKind::encoder, stack);
}

inline std::optional<Index> published_decoder_heads(std::string_view naming, ModelKind kind,
                                                    const StackShape& stack) {
  return published_heads(published_decoders, naming, kind, stack);
}

}  // namespace tessera::io::detail
