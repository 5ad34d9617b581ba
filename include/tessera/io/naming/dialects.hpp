#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string_view>

#include "tessera/core/shape.hpp"

namespace tessera::io {

/// One name of a published file against the name here. A name that ends in a dot stands for a
/// weight and a bias. `parts` > 1: the file splits the rows of the tensor, and this is one part.
struct NamePair {
  std::string_view theirs;
  std::string_view ours;
  bool optional = false;  ///< a model of that code may lack it
  Index part = 0;
  Index parts = 1;
};

/// The names of one part of a model. '*' is the number of a block.
struct Dialect {
  std::span<const NamePair> outside;   ///< what stands outside of the blocks
  std::string_view their_blocks = {};  ///< what stands before the names in a block
  std::string_view our_blocks = {};
  std::array<std::span<const NamePair>, 3> inside = {};
};

namespace detail::names {

template <std::size_t Count>
constexpr std::array<NamePair, Count> pairs(const NamePair (&list)[Count]) {
  return std::to_array(list);
}

// timm's names are also ours, and those of the MAE, I-JEPA, lightly and DINOv2 code.

inline constexpr auto vit_inside = pairs({{"norm1.", "norm1."},
                                          {"attn.qkv.", "attn.qkv."},
                                          {"attn.proj.", "attn.proj."},
                                          {"norm2.", "norm2."},
                                          {"mlp.fc1.", "mlp.fc1."},
                                          {"mlp.fc2.", "mlp.fc2."}});
inline constexpr auto timm_inside = pairs({{"norm1.", "norm1."},
                                           {"attn.qkv.weight", "attn.qkv.weight"},
                                           {"attn.qkv.bias", "attn.qkv.bias", true},
                                           {"attn.proj.", "attn.proj."},
                                           {"ls1.gamma", "ls1.gamma", true},
                                           {"norm2.", "norm2."},
                                           {"mlp.fc1.", "mlp.fc1."},
                                           {"mlp.fc2.", "mlp.fc2."},
                                           {"ls2.gamma", "ls2.gamma", true}});
// I-JEPA's code has the biases of query, key and value as an option, DINOv2's LayerScale too.
inline constexpr auto ijepa_inside = pairs({{"norm1.", "norm1."},
                                            {"attn.qkv.weight", "attn.qkv.weight"},
                                            {"attn.qkv.bias", "attn.qkv.bias", true},
                                            {"attn.proj.", "attn.proj."},
                                            {"norm2.", "norm2."},
                                            {"mlp.fc1.", "mlp.fc1."},
                                            {"mlp.fc2.", "mlp.fc2."}});
inline constexpr auto dinov2_inside = pairs({{"norm1.", "norm1."},
                                             {"attn.qkv.weight", "attn.qkv.weight"},
                                             {"attn.qkv.bias", "attn.qkv.bias", true},
                                             {"attn.proj.", "attn.proj."},
                                             {"ls1.gamma", "ls1.gamma", true},
                                             {"norm2.", "norm2."},
                                             {"ls2.gamma", "ls2.gamma", true}});
inline constexpr auto dinov2_gelu = pairs({{"mlp.fc1.", "mlp.fc1."}, {"mlp.fc2.", "mlp.fc2."}});
inline constexpr auto dinov2_swiglu = pairs({{"mlp.w12.", "mlp.fc1."}, {"mlp.w3.", "mlp.fc2."}});

inline constexpr auto ijepa_outside = pairs(
    {{"pos_embed", "pos_embed"}, {"patch_embed.proj.", "patch_embed.proj."}, {"norm.", "norm."}});
inline constexpr auto mae_outside = pairs({{"cls_token", "cls_token"},
                                           {"pos_embed", "pos_embed"},
                                           {"patch_embed.proj.", "patch_embed.proj."},
                                           {"norm.", "norm."}});
inline constexpr auto mask_token = pairs({{"mask_token", "mask_token"}});
inline constexpr auto ibot_token = pairs({{"masked_embed", "mask_token"}});
inline constexpr auto timm_outside = pairs({{"cls_token", "cls_token", true},
                                            {"reg_token", "reg_token", true},
                                            {"pos_embed", "pos_embed"},
                                            {"patch_embed.proj.", "patch_embed.proj."},
                                            {"norm.", "norm.", true},
                                            {"fc_norm.", "fc_norm.", true}});
inline constexpr auto dinov2_outside = pairs({{"cls_token", "cls_token"},
                                              {"register_tokens", "reg_token", true},
                                              {"mask_token", "mask_token"},
                                              {"pos_embed", "pos_embed"},
                                              {"patch_embed.proj.", "patch_embed.proj."},
                                              {"norm.", "norm."}});

inline constexpr auto mae_decoder_outside = pairs({{"decoder_embed.", "decoder_embed."},
                                                   {"mask_token", "decoder.mask_token"},
                                                   {"decoder_pos_embed", "decoder.pos_embed"},
                                                   {"decoder_norm.", "decoder.norm."},
                                                   {"decoder_pred.", "prediction_head."}});

inline constexpr auto ijepa_predictor_outside =
    pairs({{"predictor_embed.", "predictor_embed."},
           {"mask_token", "predictor.mask_token"},
           {"predictor_pos_embed", "predictor.pos_embed"},
           {"predictor_norm.", "predictor.norm."},
           {"predictor_proj.", "predictor_proj."}});

inline constexpr auto lightly_decoder_outside =
    pairs({{"mask_token", "mask_token"}, {"pos_embed", "pos_embed"}, {"norm.", "norm."}});
inline constexpr auto lightly_mae_outside =
    pairs({{"decoder_embed.", "decoder_embed."}, {"prediction_head.", "prediction_head."}});
inline constexpr auto lightly_predictor_outside =
    pairs({{"predictor_embed.", "predictor_embed."},
           {"decoder.mask_token", "predictor.mask_token"},
           {"decoder.pos_embed", "predictor.pos_embed"},
           {"decoder.norm.", "predictor.norm."},
           {"predictor_proj.", "predictor_proj."}});

inline constexpr auto torchvision_outside = pairs({{"class_token", "cls_token"},
                                                   {"encoder.pos_embedding", "pos_embed"},
                                                   {"conv_proj.", "patch_embed.proj."},
                                                   {"encoder.ln.", "norm."}});
inline constexpr auto torchvision_inside =
    pairs({{"ln_1.", "norm1."},
           {"self_attention.in_proj_weight", "attn.qkv.weight"},
           {"self_attention.in_proj_bias", "attn.qkv.bias"},
           {"self_attention.out_proj.", "attn.proj."},
           {"ln_2.", "norm2."}});
inline constexpr auto torchvision_mlp = pairs({{"mlp.0.", "mlp.fc1."}, {"mlp.3.", "mlp.fc2."}});
inline constexpr auto torchvision_old_mlp =
    pairs({{"mlp.linear_1.", "mlp.fc1."}, {"mlp.linear_2.", "mlp.fc2."}});

// MMPretrain, the OpenMMLab library (once MMClassification and MMSelfSup).

inline constexpr auto mmpretrain_outside = pairs({{"cls_token", "cls_token", true},
                                                  {"pos_embed", "pos_embed"},
                                                  {"patch_embed.projection.", "patch_embed.proj."},
                                                  {"ln1.", "norm.", true},
                                                  {"ln2.", "fc_norm.", true}});
inline constexpr auto mmpretrain_inside = pairs({{"ln1.", "norm1."},
                                                 {"attn.qkv.weight", "attn.qkv.weight"},
                                                 {"attn.qkv.bias", "attn.qkv.bias", true},
                                                 {"attn.proj.", "attn.proj."},
                                                 {"attn.gamma1.weight", "ls1.gamma", true},
                                                 {"ln2.", "norm2."}});
inline constexpr auto mmpretrain_gelu = pairs({{"ffn.layers.0.0.", "mlp.fc1."},
                                               {"ffn.layers.1.", "mlp.fc2."},
                                               {"ffn.gamma2.scale", "ls2.gamma", true}});
inline constexpr auto mmpretrain_swiglu = pairs(
    {{"ffn.w12.", "mlp.fc1."}, {"ffn.w3.", "mlp.fc2."}, {"ffn.gamma2.weight", "ls2.gamma", true}});
inline constexpr auto mmpretrain_decoder_outside =
    pairs({{"decoder_embed.", "decoder_embed."},
           {"mask_token", "decoder.mask_token"},
           {"decoder_pos_embed", "decoder.pos_embed"},
           {"ln1.", "decoder.norm."},
           {"decoder_pred.", "prediction_head."}});

// Hugging Face, as published.

inline constexpr auto hf_outside =
    pairs({{"embeddings.cls_token", "cls_token", true},
           {"embeddings.position_embeddings", "pos_embed"},
           {"embeddings.patch_embeddings.projection.", "patch_embed.proj."},
           {"layernorm.", "norm."}});
inline constexpr auto hf_dinov2_outside =
    pairs({{"embeddings.cls_token", "cls_token"},
           {"embeddings.register_tokens", "reg_token", true},
           {"embeddings.mask_token", "mask_token"},
           {"embeddings.position_embeddings", "pos_embed"},
           {"embeddings.patch_embeddings.projection.", "patch_embed.proj."},
           {"layernorm.", "norm."}});
inline constexpr auto hf_mask_token = pairs({{"embeddings.mask_token", "mask_token"}});
inline constexpr auto hf_attention =
    pairs({{"attention.attention.query.weight", "attn.qkv.weight", false, 0, 3},
           {"attention.attention.key.weight", "attn.qkv.weight", false, 1, 3},
           {"attention.attention.value.weight", "attn.qkv.weight", false, 2, 3},
           {"attention.attention.query.bias", "attn.qkv.bias", true, 0, 3},
           {"attention.attention.key.bias", "attn.qkv.bias", true, 1, 3},
           {"attention.attention.value.bias", "attn.qkv.bias", true, 2, 3},
           {"attention.output.dense.", "attn.proj."}});
inline constexpr auto hf_inside = pairs({{"layernorm_before.", "norm1."},
                                         {"layernorm_after.", "norm2."},
                                         {"intermediate.dense.", "mlp.fc1."},
                                         {"output.dense.", "mlp.fc2."}});
inline constexpr auto hf_dinov2_inside = pairs({{"norm1.", "norm1."},
                                                {"layer_scale1.lambda1", "ls1.gamma"},
                                                {"norm2.", "norm2."},
                                                {"layer_scale2.lambda1", "ls2.gamma"}});
inline constexpr auto hf_swiglu =
    pairs({{"mlp.weights_in.", "mlp.fc1."}, {"mlp.weights_out.", "mlp.fc2."}});

inline constexpr auto hf_decoder_outside = pairs({{"decoder_embed.", "decoder_embed."},
                                                  {"mask_token", "decoder.mask_token"},
                                                  {"decoder_pos_embed", "decoder.pos_embed"},
                                                  {"decoder_norm.", "decoder.norm."},
                                                  {"decoder_pred.", "prediction_head."}});

// Hugging Face, in memory since version 5.

inline constexpr auto hf5_attention =
    pairs({{"attention.q_proj.weight", "attn.qkv.weight", false, 0, 3},
           {"attention.k_proj.weight", "attn.qkv.weight", false, 1, 3},
           {"attention.v_proj.weight", "attn.qkv.weight", false, 2, 3},
           {"attention.q_proj.bias", "attn.qkv.bias", true, 0, 3},
           {"attention.k_proj.bias", "attn.qkv.bias", true, 1, 3},
           {"attention.v_proj.bias", "attn.qkv.bias", true, 2, 3},
           {"attention.o_proj.", "attn.proj."}});
inline constexpr auto hf5_inside = pairs({{"layernorm_before.", "norm1."},
                                          {"layernorm_after.", "norm2."},
                                          {"mlp.fc1.", "mlp.fc1."},
                                          {"mlp.fc2.", "mlp.fc2."}});
inline constexpr auto hf5_swiglu = pairs({{"mlp.gate_proj.", "mlp.fc1.", false, 0, 2},
                                          {"mlp.up_proj.", "mlp.fc1.", false, 1, 2},
                                          {"mlp.down_proj.", "mlp.fc2."}});

// Dialects: those tables put together.

inline constexpr std::string_view blocks = "blocks.*.";

inline constexpr Dialect mae_encoder{mae_outside, blocks, blocks, {vit_inside}};
inline constexpr Dialect mae_decoder{
    mae_decoder_outside, "decoder_blocks.*.", "decoder.blocks.*.", {vit_inside}};
inline constexpr Dialect ijepa_encoder{ijepa_outside, blocks, blocks, {ijepa_inside}};
inline constexpr Dialect ijepa_predictor{
    ijepa_predictor_outside, "predictor_blocks.*.", "predictor.blocks.*.", {ijepa_inside}};
inline constexpr Dialect timm_encoder{timm_outside, blocks, blocks, {timm_inside}};
inline constexpr Dialect dinov2{dinov2_outside, blocks, blocks, {dinov2_inside, dinov2_gelu}};
inline constexpr Dialect dinov2_gated{
    dinov2_outside, blocks, blocks, {dinov2_inside, dinov2_swiglu}};
inline constexpr Dialect encoder_mask{mask_token};
inline constexpr Dialect ibot_mask{ibot_token};
inline constexpr Dialect lightly_decoder{lightly_decoder_outside, blocks, blocks, {timm_inside}};
inline constexpr Dialect lightly_mae{lightly_mae_outside};
inline constexpr Dialect lightly_predictor{
    lightly_predictor_outside, "decoder.blocks.*.", "predictor.blocks.*.", {timm_inside}};

inline constexpr std::string_view torchvision_blocks = "encoder.layers.encoder_layer_*.";
inline constexpr Dialect torchvision{
    torchvision_outside, torchvision_blocks, blocks, {torchvision_inside, torchvision_mlp}};
inline constexpr Dialect torchvision_old{
    torchvision_outside, torchvision_blocks, blocks, {torchvision_inside, torchvision_old_mlp}};

inline constexpr std::string_view mmpretrain_blocks = "layers.*.";
inline constexpr Dialect mmpretrain{
    mmpretrain_outside, mmpretrain_blocks, blocks, {mmpretrain_inside, mmpretrain_gelu}};
inline constexpr Dialect mmpretrain_gated{
    mmpretrain_outside, mmpretrain_blocks, blocks, {mmpretrain_inside, mmpretrain_swiglu}};
inline constexpr Dialect mmpretrain_decoder{mmpretrain_decoder_outside,
                                            "decoder_blocks.*.",
                                            "decoder.blocks.*.",
                                            {mmpretrain_inside, mmpretrain_gelu}};

inline constexpr std::string_view hf_blocks = "encoder.layer.*.";
inline constexpr Dialect hf_vit{hf_outside, hf_blocks, blocks, {hf_attention, hf_inside}};
inline constexpr Dialect hf_mask{hf_mask_token};
inline constexpr Dialect hf_dinov2{
    hf_dinov2_outside, hf_blocks, blocks, {hf_attention, hf_dinov2_inside, dinov2_gelu}};
inline constexpr Dialect hf_dinov2_gated{
    hf_dinov2_outside, hf_blocks, blocks, {hf_attention, hf_dinov2_inside, hf_swiglu}};
inline constexpr Dialect hf_decoder{
    hf_decoder_outside, "decoder_layers.*.", "decoder.blocks.*.", {hf_attention, hf_inside}};
// Version 5 saves decoder_layers under this name.
inline constexpr Dialect hf_saved_decoder{
    {}, "decoder_encoder.layer.*.", "decoder.blocks.*.", {hf_attention, hf_inside}};

inline constexpr Dialect hf5_vit{hf_outside, "layers.*.", blocks, {hf5_attention, hf5_inside}};
inline constexpr Dialect hf5_dinov2{
    hf_dinov2_outside, hf_blocks, blocks, {hf5_attention, hf_dinov2_inside, dinov2_gelu}};
inline constexpr Dialect hf5_dinov2_gated{
    hf_dinov2_outside, hf_blocks, blocks, {hf5_attention, hf_dinov2_inside, hf5_swiglu}};
inline constexpr Dialect hf5_decoder{
    hf_decoder_outside, "decoder_layers.*.", "decoder.blocks.*.", {hf5_attention, hf5_inside}};

}  // namespace detail::names
}  // namespace tessera::io
