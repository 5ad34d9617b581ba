#pragma once

#include <array>
#include <span>
#include <string_view>

#include "tessera/io/naming/dialects.hpp"
#include "tessera/io/naming/model_kind.hpp"
#include "tessera/kernels/bicubic.hpp"

namespace tessera::io {

/// What a section of a table is written for; every section is read. Bits.
struct Layout {
  static constexpr unsigned none = 0;
  static constexpr unsigned plain = 1;   ///< an encoder without LayerScale
  static constexpr unsigned scaled = 2;  ///< one with LayerScale
  static constexpr unsigned gated = 4;   ///< one with SwiGLU
  static constexpr unsigned encoder = plain | scaled | gated;
  static constexpr unsigned mae = 8;
  static constexpr unsigned ijepa = 16;
  static constexpr unsigned decoder = 32;    ///< of an MAE, alone
  static constexpr unsigned predictor = 64;  ///< of an I-JEPA, alone
};

/// A dialect as it stands in a file: behind one prefix there, another here.
struct NameSection {
  std::string_view theirs;
  std::string_view ours;
  const Dialect* names;
  unsigned written_for;
};

/// One way to name the tensors of a file. Ours are the names of MAE and IJEPA (models/): encoder.*,
/// target_encoder.*, decoder_embed.*, decoder.*, prediction_head.*, predictor*.
struct Naming {
  std::string_view id;  ///< by which a caller forces it
  std::string_view description;
  std::span<const NameSection> sections;
  std::span<const std::string_view> heads = {};  ///< known tensors that no model here has
  bool class_row = false;        ///< positions: a row for a class token, none for registers, always
  bool flat_mask_token = false;  ///< the encoder's is [1, D]
  bool square = false;           ///< that code has square grids alone
  bool three_channels = false;
  /// How that code resamples positions for another image size.
  kernels::Bicubic resampling = kernels::Bicubic::plain;
};

namespace detail::names {

using L = Layout;

inline constexpr auto mae_sections = std::to_array<NameSection>({
    {"", "encoder.", &mae_encoder, L::plain | L::mae},
    {"", "", &mae_decoder, L::mae},
});
inline constexpr auto ijepa_sections = std::to_array<NameSection>({
    {"encoder.", "encoder.", &ijepa_encoder, L::ijepa},
    {"target_encoder.", "target_encoder.", &ijepa_encoder, L::ijepa},
    {"predictor.", "", &ijepa_predictor, L::ijepa},
    {"", "encoder.", &ijepa_encoder, L::plain},
});
inline constexpr auto timm_sections = std::to_array<NameSection>({
    {"", "encoder.", &timm_encoder, L::encoder},
    {"", "encoder.", &ibot_mask, L::none},
});
inline constexpr auto lightly_sections = std::to_array<NameSection>({
    {"vit.", "encoder.", &timm_encoder, L::encoder},
    {"", "encoder.", &encoder_mask, L::encoder},
    {"backbone.vit.", "encoder.", &timm_encoder, L::mae},
    {"backbone.", "encoder.", &encoder_mask, L::mae},
    {"", "", &lightly_mae, L::mae},
    {"decoder.", "decoder.", &lightly_decoder, L::mae},
    {"encoder.vit.", "encoder.", &timm_encoder, L::ijepa},
    {"encoder.", "encoder.", &encoder_mask, L::ijepa},
    {"target_encoder.vit.", "target_encoder.", &timm_encoder, L::ijepa},
    {"target_encoder.", "target_encoder.", &encoder_mask, L::ijepa},
    {"predictor.", "", &lightly_predictor, L::ijepa},
});
inline constexpr auto lightly_decoder_sections = std::to_array<NameSection>({
    {"", "decoder.", &lightly_decoder, L::decoder},
});
inline constexpr auto lightly_predictor_sections = std::to_array<NameSection>({
    {"", "", &lightly_predictor, L::predictor},
});
inline constexpr auto lightly_predictor_legacy_sections = std::to_array<NameSection>({
    {"", "", &ijepa_predictor, L::predictor},
});
inline constexpr auto torchvision_sections = std::to_array<NameSection>({
    {"", "encoder.", &torchvision, L::plain},
});
inline constexpr auto torchvision_legacy_sections = std::to_array<NameSection>({
    {"", "encoder.", &torchvision_old, L::plain},
});
inline constexpr auto lightly_torchvision_sections = std::to_array<NameSection>({
    {"vit.", "encoder.", &torchvision, L::plain},
    {"", "encoder.", &encoder_mask, L::plain},
});
// Each Hugging Face class puts its own prefix before the names of its encoder.
inline constexpr auto hugging_face_sections = std::to_array<NameSection>({
    {"", "encoder.", &hf_vit, L::plain},
    {"", "encoder.", &hf_dinov2, L::scaled},
    {"", "encoder.", &hf_dinov2_gated, L::gated},
    {"", "encoder.", &hf_mask, L::none},
    {"vit.", "encoder.", &hf_vit, L::mae},
    {"vit.", "encoder.", &hf_mask, L::none},
    {"ijepa.", "encoder.", &hf_vit, L::none},
    {"ijepa.", "encoder.", &hf_mask, L::none},
    {"dinov2.", "encoder.", &hf_dinov2, L::none},
    {"dinov2.", "encoder.", &hf_dinov2_gated, L::none},
    {"dinov2_with_registers.", "encoder.", &hf_dinov2, L::none},
    {"dinov2_with_registers.", "encoder.", &hf_dinov2_gated, L::none},
    {"decoder.", "", &hf_decoder, L::mae},
    {"decoder.", "", &hf_saved_decoder, L::none},
});
inline constexpr auto hugging_face_v5_sections = std::to_array<NameSection>({
    {"", "encoder.", &hf5_vit, L::plain},
    {"", "encoder.", &hf5_dinov2, L::scaled},
    {"", "encoder.", &hf5_dinov2_gated, L::gated},
    {"", "encoder.", &hf_mask, L::none},
    {"vit.", "encoder.", &hf5_vit, L::mae},
    {"vit.", "encoder.", &hf_mask, L::none},
    {"ijepa.", "encoder.", &hf5_vit, L::none},
    {"ijepa.", "encoder.", &hf_mask, L::none},
    {"dinov2.", "encoder.", &hf5_dinov2, L::none},
    {"dinov2.", "encoder.", &hf5_dinov2_gated, L::none},
    {"dinov2_with_registers.", "encoder.", &hf5_dinov2, L::none},
    {"dinov2_with_registers.", "encoder.", &hf5_dinov2_gated, L::none},
    {"decoder.", "", &hf5_decoder, L::mae},
});
inline constexpr auto dinov2_sections = std::to_array<NameSection>({
    {"", "encoder.", &dinov2, L::scaled},
    {"", "encoder.", &dinov2_gated, L::gated},
});

inline constexpr std::array<std::string_view, 2> timm_heads{"head.", "pre_logits."};
inline constexpr std::array<std::string_view, 2> lightly_heads{"vit.head.", "backbone.vit.head."};
inline constexpr std::array<std::string_view, 1> torchvision_heads{"heads."};
inline constexpr std::array<std::string_view, 1> lightly_torchvision_heads{"vit.heads."};
inline constexpr std::array<std::string_view, 3> hugging_face_heads{"classifier.", "pooler.",
                                                                    "vit.pooler."};

}  // namespace detail::names

/// Every naming that is known. Where a file fits two, it is taken for the one that comes first.
inline constexpr auto namings = std::to_array<Naming>({
    {.id = "timm",
     .description = "timm",
     .sections = detail::names::timm_sections,
     .heads = detail::names::timm_heads,
     .resampling = kernels::Bicubic::antialias},
    {.id = "mae",
     .description = "facebookresearch/mae",
     .sections = detail::names::mae_sections,
     .class_row = true,
     .square = true},
    {.id = "lightly",
     .description = "lightly, over timm",
     .sections = detail::names::lightly_sections,
     .heads = detail::names::lightly_heads,
     .resampling = kernels::Bicubic::antialias},
    {.id = "lightly_decoder",
     .description = "lightly's decoder",
     .sections = detail::names::lightly_decoder_sections},
    {.id = "lightly_predictor",
     .description = "lightly's I-JEPA predictor",
     .sections = detail::names::lightly_predictor_sections},
    {.id = "lightly_predictor_legacy",
     .description = "lightly's I-JEPA predictor, older",
     .sections = detail::names::lightly_predictor_legacy_sections},
    {.id = "ijepa",
     .description = "facebookresearch/ijepa",
     .sections = detail::names::ijepa_sections,
     .class_row = true,
     .square = true},
    {.id = "torchvision",
     .description = "torchvision",
     .sections = detail::names::torchvision_sections,
     .heads = detail::names::torchvision_heads,
     .class_row = true,
     .square = true,
     .three_channels = true},
    {.id = "torchvision_legacy",
     .description = "torchvision before 0.13",
     .sections = detail::names::torchvision_legacy_sections,
     .heads = detail::names::torchvision_heads,
     .class_row = true,
     .square = true,
     .three_channels = true},
    {.id = "lightly_torchvision",
     .description = "lightly, over torchvision",
     .sections = detail::names::lightly_torchvision_sections,
     .heads = detail::names::lightly_torchvision_heads,
     .class_row = true,
     .square = true,
     .three_channels = true,
     .resampling = kernels::Bicubic::antialias},
    {.id = "hugging_face",
     .description = "Hugging Face transformers, as published",
     .sections = detail::names::hugging_face_sections,
     .heads = detail::names::hugging_face_heads,
     .class_row = true,
     .flat_mask_token = true},
    {.id = "hugging_face_v5",
     .description = "Hugging Face transformers 5, in memory",
     .sections = detail::names::hugging_face_v5_sections,
     .heads = detail::names::hugging_face_heads,
     .class_row = true,
     .flat_mask_token = true},
    {.id = "dinov2",
     .description = "facebookresearch/dinov2",
     .sections = detail::names::dinov2_sections,
     .class_row = true,
     .flat_mask_token = true},
});

}  // namespace tessera::io
