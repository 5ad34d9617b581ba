#pragma once

#include <array>
#include <cmath>
#include <optional>
#include <string_view>

#include "tessera/io/checkpoint/stack_shape.hpp"
#include "tessera/io/naming/model_kind.hpp"
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
    {"", ModelKind::encoder, 1536, 40, 4096, 24},  // DINOv2's giant; the others are presets
});
inline constexpr auto published_decoders = std::to_array<PublishedStack>({
    {"mae", ModelKind::mae, 512, 8, 2048, 16},
    {"hugging_face", ModelKind::mae, 512, 8, 2048, 16},
});

inline std::optional<Index> published_heads(std::span<const PublishedStack> published,
                                            std::string_view naming, ModelKind kind,
                                            const StackFacts& stack) {
  for (const PublishedStack& one : published) {
    if (naming.starts_with(one.naming) && one.kind == kind && one.dim == stack.dim &&
        one.depth == stack.depth && one.mlp_hidden == stack.mlp_hidden) {
      return one.num_heads;
    }
  }
  return std::nullopt;
}

/// A model of timm whose heads are not those of its size.
inline std::optional<Index> architecture_heads(const Checkpoint& file) {
  const auto name = file.config.get<std::string>("architecture");
  return name && name->starts_with("vit_base_patch16_gap_") ? std::optional<Index>(16)
                                                            : std::nullopt;
}

/// MoCo v3 has ViTs of the common sizes with other heads.
inline bool is_moco(const Checkpoint& file) {
  return file.entry.find("base_encoder") != std::string::npos ||
         file.entry.find("momentum_encoder") != std::string::npos;
}

/// Heads of the published encoders of these sizes; those of other sizes differ.
inline std::optional<Index> published_encoder_heads(const StackFacts& stack) {
  for (const tessera::detail::NamedVit& vit : tessera::detail::vit_sizes) {
    const auto hidden = std::lround(static_cast<double>(vit.embed_dim) * vit.mlp_ratio);
    if (vit.embed_dim == stack.dim && vit.depth == stack.depth && hidden == stack.mlp_hidden) {
      return vit.num_heads;
    }
  }
  return published_heads(published_encoders, "", ModelKind::encoder, stack);
}

inline std::optional<Index> published_decoder_heads(std::string_view naming, ModelKind kind,
                                                    const StackFacts& stack) {
  return published_heads(published_decoders, naming, kind, stack);
}

}  // namespace tessera::io::detail
