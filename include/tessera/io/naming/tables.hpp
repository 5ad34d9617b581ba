#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <initializer_list>
#include <span>
#include <string_view>

#include "tessera/io/naming/dialects.hpp"
#include "tessera/io/naming/layout.hpp"
#include "tessera/io/naming/model_kind.hpp"
#include "tessera/kernels/bicubic.hpp"

namespace tessera::io {

/// A set of layouts.
class LayoutSet {
 public:
  constexpr LayoutSet(std::initializer_list<Layout> layouts) {
    for (const Layout layout : layouts) has_[static_cast<std::size_t>(layout)] = true;
  }
  constexpr bool contains(Layout layout) const { return has_[static_cast<std::size_t>(layout)]; }
  constexpr bool empty() const { return std::ranges::count(has_, true) == 0; }

 private:
  std::array<bool, all_layouts.size()> has_{};
};

/// A dialect as it stands in a file: behind one prefix there, another here.
struct NameSection {
  std::string_view theirs;
  std::string_view ours;
  const Dialect* names;
  LayoutSet written_for;  ///< every section is read; an empty set is for reading alone
};

/// One way to name the tensors of a file. Ours are the names of MAE and IJEPA (models/): encoder.*,
/// target_encoder.*, decoder_embed.*, decoder.*, prediction_head.*, predictor*.
struct Naming {
  std::string_view id;  ///< by which a caller forces it
  std::string_view description;
  std::span<const NameSection> sections;
  std::span<const std::string_view> heads =
      {};                        ///< beginnings of names of heads, which no model here has
  bool class_row = false;        ///< positions: a row for a class token, none for registers, always
  bool flat_mask_token = false;  ///< the encoder's is [1, D]
  bool square = false;           ///< that code has square grids alone
  bool three_channels = false;
  /// The filter by which that code resamples positions for another image size.
  kernels::Bicubic resampling = kernels::Bicubic::plain;
};

namespace detail::names {

inline constexpr LayoutSet nothing{};
inline constexpr LayoutSet plain{Layout::plain};
inline constexpr LayoutSet scaled{Layout::scaled};
inline constexpr LayoutSet gated{Layout::gated};
inline constexpr LayoutSet ungated{Layout::plain, Layout::scaled};
inline constexpr LayoutSet any_encoder{Layout::plain, Layout::scaled, Layout::gated};
inline constexpr LayoutSet mae{Layout::mae};
inline constexpr LayoutSet plain_and_mae{Layout::plain, Layout::mae};
inline constexpr LayoutSet ijepa{Layout::ijepa};
inline constexpr LayoutSet decoder{Layout::decoder};
inline constexpr LayoutSet predictor{Layout::predictor};

inline constexpr auto mae_sections = std::to_array<NameSection>({
    {"", "encoder.", &mae_encoder, plain_and_mae},
    {"", "", &mae_decoder, mae},
});
inline constexpr auto ijepa_sections = std::to_array<NameSection>({
    {"encoder.", "encoder.", &ijepa_encoder, ijepa},
    {"target_encoder.", "target_encoder.", &ijepa_encoder, ijepa},
    {"predictor.", "", &ijepa_predictor, ijepa},
    {"", "encoder.", &ijepa_encoder, plain},
});
inline constexpr auto timm_sections = std::to_array<NameSection>({
    {"", "encoder.", &timm_encoder, any_encoder},
    {"", "encoder.", &ibot_mask, nothing},
    {"", "encoder.", &encoder_mask, nothing},
});
inline constexpr auto lightly_sections = std::to_array<NameSection>({
    {"vit.", "encoder.", &timm_encoder, any_encoder},
    {"", "encoder.", &encoder_mask, any_encoder},
    {"backbone.vit.", "encoder.", &timm_encoder, mae},
    {"backbone.", "encoder.", &encoder_mask, mae},
    {"", "", &lightly_mae, mae},
    {"decoder.", "decoder.", &lightly_decoder, mae},
    {"encoder.vit.", "encoder.", &timm_encoder, ijepa},
    {"encoder.", "encoder.", &encoder_mask, ijepa},
    {"target_encoder.vit.", "target_encoder.", &timm_encoder, ijepa},
    {"target_encoder.", "target_encoder.", &encoder_mask, ijepa},
    {"predictor.", "", &lightly_predictor, ijepa},
});
// An MAE whose decoder is a MAEDecoderTIMM, as most of lightly's are: it has the names of MAE's
// code.
inline constexpr auto lightly_legacy_sections = std::to_array<NameSection>({
    {"backbone.vit.", "encoder.", &timm_encoder, mae},
    {"backbone.", "encoder.", &encoder_mask, mae},
    {"decoder.", "", &mae_decoder, mae},
});
inline constexpr auto lightly_decoder_sections = std::to_array<NameSection>({
    {"", "decoder.", &lightly_decoder, decoder},
});
inline constexpr auto lightly_predictor_sections = std::to_array<NameSection>({
    {"", "", &lightly_predictor, predictor},
});
inline constexpr auto lightly_predictor_legacy_sections = std::to_array<NameSection>({
    {"", "", &ijepa_predictor, predictor},
});
inline constexpr auto torchvision_sections = std::to_array<NameSection>({
    {"", "encoder.", &torchvision, plain},
});
inline constexpr auto torchvision_legacy_sections = std::to_array<NameSection>({
    {"", "encoder.", &torchvision_old, plain},
});
inline constexpr auto lightly_torchvision_sections = std::to_array<NameSection>({
    {"vit.", "encoder.", &torchvision, plain},
    {"", "encoder.", &encoder_mask, plain},
});
// Each Hugging Face class puts its own prefix before the names of its encoder.
inline constexpr auto hugging_face_sections = std::to_array<NameSection>({
    {"", "encoder.", &hf_vit, plain},
    {"", "encoder.", &hf_dinov2, scaled},
    {"", "encoder.", &hf_dinov2_gated, gated},
    {"", "encoder.", &hf_mask, nothing},
    {"vit.", "encoder.", &hf_vit, mae},
    {"vit.", "encoder.", &hf_mask, nothing},
    {"ijepa.", "encoder.", &hf_vit, nothing},
    {"ijepa.", "encoder.", &hf_mask, nothing},
    {"dinov2.", "encoder.", &hf_dinov2, nothing},
    {"dinov2.", "encoder.", &hf_dinov2_gated, nothing},
    {"dinov2_with_registers.", "encoder.", &hf_dinov2, nothing},
    {"dinov2_with_registers.", "encoder.", &hf_dinov2_gated, nothing},
    {"decoder.", "", &hf_decoder, mae},
    {"decoder.", "", &hf_saved_decoder, nothing},
});
inline constexpr auto hugging_face_v5_sections = std::to_array<NameSection>({
    {"", "encoder.", &hf5_vit, plain},
    {"", "encoder.", &hf5_dinov2, scaled},
    {"", "encoder.", &hf5_dinov2_gated, gated},
    {"", "encoder.", &hf_mask, nothing},
    {"vit.", "encoder.", &hf5_vit, mae},
    {"vit.", "encoder.", &hf_mask, nothing},
    {"ijepa.", "encoder.", &hf5_vit, nothing},
    {"ijepa.", "encoder.", &hf_mask, nothing},
    {"dinov2.", "encoder.", &hf5_dinov2, nothing},
    {"dinov2.", "encoder.", &hf5_dinov2_gated, nothing},
    {"dinov2_with_registers.", "encoder.", &hf5_dinov2, nothing},
    {"dinov2_with_registers.", "encoder.", &hf5_dinov2_gated, nothing},
    {"decoder.", "", &hf5_decoder, mae},
});
inline constexpr auto dinov2_sections = std::to_array<NameSection>({
    {"", "encoder.", &dinov2, ungated},
    {"", "encoder.", &dinov2_gated, gated},
});
inline constexpr auto mmpretrain_sections = std::to_array<NameSection>({
    {"backbone.", "encoder.", &mmpretrain, {Layout::plain, Layout::scaled, Layout::mae}},
    {"backbone.", "encoder.", &mmpretrain_gated, gated},
    {"", "encoder.", &mmpretrain, nothing},
    {"", "encoder.", &mmpretrain_gated, nothing},
    {"neck.", "", &mmpretrain_decoder, mae},
});

inline constexpr std::array<std::string_view, 2> timm_heads{"head.", "pre_logits."};
inline constexpr std::array<std::string_view, 2> lightly_heads{"vit.head.", "backbone.vit.head."};
inline constexpr std::array<std::string_view, 1> torchvision_heads{"heads."};
inline constexpr std::array<std::string_view, 1> lightly_torchvision_heads{"vit.heads."};
inline constexpr std::array<std::string_view, 1> mmpretrain_heads{"head."};
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
    {.id = "lightly_legacy",
     .description = "lightly, over timm, an MAE with MAEDecoderTIMM",
     .sections = detail::names::lightly_legacy_sections,
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
    {.id = "mmpretrain",
     .description = "MMPretrain (OpenMMLab)",
     .sections = detail::names::mmpretrain_sections,
     .heads = detail::names::mmpretrain_heads,
     .class_row = true},
});

}  // namespace tessera::io
