#pragma once

#include <string>
#include <string_view>

#include "tessera/core/error.hpp"
#include "tessera/io/checkpoint/model_config.hpp"
#include "tessera/io/file/fail.hpp"
#include "tessera/io/text/json_text.hpp"
#include "tessera/io/weights/hugging_face_config.hpp"
#include "tessera/io/weights/rename.hpp"

namespace tessera::io {

namespace detail {

/// A JSON object, one key a line.
class JsonObject {
 public:
  void add(std::string_view key, Index value) { add_text(key, std::to_string(value)); }
  void add(std::string_view key, double value) { add_text(key, number_text(value)); }
  void add(std::string_view key, bool value) { add_text(key, value ? "true" : "false"); }
  void add(std::string_view key, std::string_view value) { add_text(key, json_string(value)); }
  void add_text(std::string_view key, std::string_view json) {
    text_ += concat(text_.empty() ? "{\n  " : ",\n  ", json_string(key), ": ", json);
  }
  std::string text() const { return text_ + "\n}\n"; }

 private:
  std::string text_;
};

}  // namespace detail

TESSERA_INLINE std::string hugging_face_config(const Checkpoint& file, const CheckpointFacts& facts,
                                               bool encoder_only) {
  const MaskedVisionTransformerConfig encoder = encoder_config(file, facts);
  const bool with_decoder = facts.kind == ModelKind::mae && !encoder_only;
  const bool scaled = facts.encoder->layer_scale;
  const bool gated = encoder.activation == Activation::swiglu;
  const bool registers = encoder.reg_tokens > 0;
  const auto [type, name] = [&]() -> std::pair<std::string_view, std::string_view> {
    if (with_decoder) return {"vit_mae", "ViTMAEForPreTraining"};
    if (scaled && registers) return {"dinov2_with_registers", "Dinov2WithRegistersModel"};
    if (scaled) return {"dinov2", "Dinov2Model"};
    if (!encoder.class_token) return {"ijepa", "IJepaModel"};
    return {"vit", "ViTModel"};
  }();
  detail::JsonObject json;
  json.add_text("architectures", concat("[", json_string(name), "]"));
  json.add("model_type", type);
  json.add("hidden_size", encoder.embed_dim);
  json.add("num_hidden_layers", encoder.depth);
  json.add("num_attention_heads", encoder.num_heads);
  if (scaled) {
    const auto ratio =
        detail::dinov2_mlp_ratio(encoder.embed_dim, facts.encoder->mlp_hidden, gated);
    if (!ratio) refuse_file(file.source.label(), "no class of Hugging Face has such an MLP");
    json.add("mlp_ratio", *ratio);
    json.add("use_swiglu_ffn", gated);
  } else {
    json.add("intermediate_size", facts.encoder->mlp_hidden);
  }
  const Size image = encoder.image_size;
  json.add_text("image_size", image.height == image.width
                                  ? std::to_string(image.height)
                                  : concat("[", image.height, ", ", image.width, "]"));
  json.add("patch_size", encoder.patch_size);
  json.add("num_channels", encoder.in_chans);
  if (registers) json.add("num_register_tokens", encoder.reg_tokens);
  json.add("qkv_bias", encoder.qkv_bias);
  json.add(
      "hidden_act",
      std::string_view(encoder.activation == Activation::gelu_tanh ? "gelu_pytorch_tanh" : "gelu"));
  json.add("layer_norm_eps", encoder.layer_norm_eps);
  if (with_decoder) {
    const MAEConfig mae = mae_config(file, facts);
    json.add("decoder_hidden_size", mae.decoder_embed_dim);
    json.add("decoder_num_hidden_layers", mae.decoder_depth);
    json.add("decoder_num_attention_heads", mae.decoder_num_heads);
    json.add("decoder_intermediate_size", facts.decoder->mlp_hidden);
    json.add("norm_pix_loss", mae.norm_pix_loss);
  }
  return json.text();
}

}  // namespace tessera::io
