#pragma once

#include <cmath>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tessera/io/checkpoint/check_config_json.hpp"
#include "tessera/io/checkpoint/facts.hpp"
#include "tessera/io/checkpoint/hyperparameters.hpp"
#include "tessera/io/checkpoint/positions.hpp"
#include "tessera/io/checkpoint/published_sizes.hpp"
#include "tessera/io/checkpoint/stack_shape.hpp"
#include "tessera/io/file/fail.hpp"
#include "tessera/io/tensors/metadata.hpp"

namespace tessera::io {

namespace detail {

/// A size written as one number, or as height and width.
inline std::optional<Size> config_size(const JsonValues& config, const std::string& path) {
  if (config.contains(path + ".0")) {
    const auto height = config.get<Index>(path + ".0");
    const auto width = config.get<Index>(path + ".1");
    if (height && width) return Size{*height, *width};
    return {};
  }
  const auto side = config.get<Index>(path);
  return side ? std::optional<Size>({*side, *side}) : std::nullopt;
}

inline ModelKind kind_of(const Checkpoint& file) {
  const bool encoder = file.contains_part("encoder.patch_embed.");
  const bool target = file.contains_part("target_encoder.patch_embed.");
  if (file.contains_part("predictor") || target) {
    return encoder || target ? ModelKind::ijepa : ModelKind::predictor;
  }
  if (file.contains_part("decoder")) return encoder ? ModelKind::mae : ModelKind::decoder;
  return encoder ? ModelKind::encoder : ModelKind::other;
}

/// The pooling that timm's config.json says.
inline std::optional<GlobalPool> config_pool(const JsonValues& config) {
  if (!config.contains("architecture")) return std::nullopt;
  std::optional<GlobalPool> found;
  for (const char* key : {"global_pool", "model_args.global_pool"}) {  // the latter counts
    const std::string pool = config.get<std::string>(key).value_or("");
    if (pool == "avg") found = GlobalPool::avg;
    if (pool == "token") found = GlobalPool::token;
  }
  return found;
}

/// A norm after pooling means an average, and so does the lack of any prefix token. Without a class
/// token, registers are no summary of the image: where nothing says otherwise they are not pooled.
inline Known<GlobalPool> find_pool(const Checkpoint& file, const Hyperparameters& metadata,
                                   const CheckpointFacts& facts) {
  const auto average_if = [](bool average) {
    return Known<GlobalPool>{average ? std::optional(GlobalPool::avg) : std::nullopt,
                             Origin::tensors};
  };
  return first_known<GlobalPool>({{file.options.global_pool, Origin::given},
                                  average_if(facts.fc_norm || facts.prefix_tokens() == 0),
                                  {metadata.global_pool, Origin::metadata},
                                  {config_pool(file.config), Origin::config_json},
                                  average_if(!facts.class_token),
                                  {GlobalPool::token, Origin::standard}});
}

/// Two halves in the first layer of the MLP are SwiGLU's; which of the two GELUs it is else shows
/// in no tensor.
inline Known<Activation> find_activation(const Checkpoint& file, const Hyperparameters& metadata,
                                         const StackShape& stack) {
  if (stack.gated) return {Activation::swiglu, Origin::tensors};
  return first_known<Activation>({{file.options.activation, Origin::given},
                                  {metadata.activation, Origin::metadata},
                                  {config_activation(file.config), Origin::config_json},
                                  {Activation::gelu, Origin::standard}});
}

inline Known<Index> find_heads(const Checkpoint& file, const Hyperparameters& metadata,
                               const StackShape& stack) {
  const JsonValues& config = file.config;
  return first_known<Index>(
      {{file.options.num_heads, Origin::given},
       {metadata.num_heads, Origin::metadata},
       {config.get<Index>("num_attention_heads"), Origin::config_json},
       {config.get<Index>("model_args.num_heads"), Origin::config_json},
       {architecture_heads(config, stack), Origin::config_json},
       {type_defaults(config).num_heads, Origin::model_type},
       {is_moco(file) ? std::nullopt : published_encoder_heads(file.naming_id(), stack),
        Origin::published_size}});
}

inline void find_encoder(const Checkpoint& file, const Hyperparameters& metadata,
                         CheckpointFacts& facts) {
  const std::string prefix =
      file.contains_part("encoder.patch_embed.") ? "encoder." : "target_encoder.";
  facts.encoder = stack_shape(file, prefix);
  const StackShape& encoder = *facts.encoder;
  const std::vector<Index>& kernel = shape_of(file, prefix + "patch_embed.proj.weight", 4);
  facts.in_chans = kernel[1];
  facts.patch_size = kernel[2];
  require_shape(file, prefix + "patch_embed.proj.weight",
                {encoder.dim, facts.in_chans, facts.patch_size, facts.patch_size});
  require_values(file, prefix + "patch_embed.proj.weight");
  facts.class_token = file.contains(prefix + "cls_token");
  if (file.contains(prefix + "reg_token")) {
    facts.reg_tokens = shape_of(file, prefix + "reg_token", 3)[1];
    require_shape(file, prefix + "reg_token", {1, facts.reg_tokens, encoder.dim});
    require_values(file, prefix + "reg_token");
  }
  facts.fc_norm = file.contains(prefix + "fc_norm.weight");
  facts.global_pool = find_pool(file, metadata, facts);
  facts.activation = find_activation(file, metadata, encoder);
  facts.num_heads = find_heads(file, metadata, encoder);
  // Code that has registers resamples with antialiasing, whatever it does without them.
  const bool plain = file.naming != nullptr && facts.reg_tokens == 0 &&
                     file.naming->resampling == kernels::Bicubic::plain;
  facts.resampling = first_known<kernels::Bicubic>(
      {{metadata.resampling, Origin::metadata},
       {plain ? kernels::Bicubic::plain : kernels::Bicubic::antialias, Origin::naming}});
}

inline void find_image_size(const Checkpoint& file, const Hyperparameters& metadata,
                            CheckpointFacts& facts) {
  const JsonValues& config = file.config;
  const auto height = config.get<Index>("pretrained_cfg.input_size.1");
  const auto width = config.get<Index>("pretrained_cfg.input_size.2");
  const auto timm_input = height && width ? std::optional(Size{*height, *width}) : std::nullopt;
  find_grid(file,
            first_known<Size>({{file.options.image_size, Origin::given},
                               {metadata.image_size, Origin::metadata},
                               {config_size(config, "image_size"), Origin::config_json},
                               {config_size(config, "model_args.img_size"), Origin::config_json},
                               {timm_input, Origin::config_json}}),
            facts);
}

/// Checks the layers between encoder and decoder, so that no model is larger than the file.
inline void check_joints(const Checkpoint& file, const CheckpointFacts& facts) {
  const Index in = facts.encoder->dim;
  const Index width = facts.decoder->dim;
  if (facts.kind == ModelKind::mae) {
    const Index pixels = facts.patch_size * facts.patch_size * facts.in_chans;
    require_shape(file, "decoder_embed.weight", {width, in});
    require_shape(file, "prediction_head.weight", {pixels, width});
  } else if (facts.kind == ModelKind::ijepa) {
    require_shape(file, "predictor_embed.weight", {width, in});
    require_shape(file, "predictor_proj.weight", {in, width});
  }
}

inline void find_decoder(const Checkpoint& file, const Hyperparameters& metadata,
                         const std::string& prefix, CheckpointFacts& facts) {
  facts.decoder = stack_shape(file, prefix);
  if (facts.encoder) check_joints(file, facts);
  // The I-JEPA code gives the predictor the heads of the encoder.
  const bool as_encoder = file.naming_id() == "ijepa" && facts.num_heads.value;
  facts.decoder_num_heads = first_known<Index>(
      {{file.options.decoder_num_heads, Origin::given},
       {metadata.decoder_num_heads, Origin::metadata},
       {file.config.get<Index>("decoder_num_attention_heads"), Origin::config_json},
       {type_defaults(file.config).decoder_num_heads, Origin::model_type},
       {as_encoder ? facts.num_heads.value : std::nullopt, Origin::naming},
       {published_decoder_heads(file.naming_id(), facts.kind, *facts.decoder),
        Origin::published_size}});
}

/// The grid of a decoder: that of its encoder, or where it is alone a square, with a row for a
/// class token or without.
inline void find_decoder_grid(const Hyperparameters& metadata, CheckpointFacts& facts) {
  Known<Size> of_encoder;
  if (facts.image_size.value) {
    of_encoder = {Size{facts.image_size.value->height / facts.patch_size,
                       facts.image_size.value->width / facts.patch_size},
                  facts.image_size.from};
  }
  std::optional<Size> square;
  for (const Index of_prefix : {0, 1}) {
    if (!square && !facts.encoder) square = square_of(facts.decoder->positions - of_prefix);
  }
  facts.decoder_grid = first_known<Size>(
      {{metadata.decoder_grid, Origin::metadata}, of_encoder, {square, Origin::square_grid}});
}

/// Throws unless a number is positive and finite.
template <class Number>
void check_positive(const Checkpoint& file, std::string_view name, const Known<Number>& fact) {
  if (!fact.value || (*fact.value > 0 && std::isfinite(static_cast<double>(*fact.value)))) return;
  refuse_file(file.source.label(), name, " ", *fact.value, " (", fact.from, ") is not positive",
              *fact.value > 0 ? " and finite" : "");
}

}  // namespace detail

TESSERA_INLINE CheckpointFacts read_facts(const Checkpoint& file) {
  CheckpointFacts facts;
  facts.kind = detail::kind_of(file);
  const JsonValues& config = file.config;
  const CheckpointOptions& given = file.options;
  const Hyperparameters metadata = detail::read_hyperparameters(file.source.metadata(), file.entry);
  if (file.contains_part("encoder.") || file.contains_part("target_encoder.")) {
    detail::find_encoder(file, metadata, facts);
  }
  const std::string second = file.contains_part("predictor.") ? "predictor." : "decoder.";
  if (file.contains_part(second)) detail::find_decoder(file, metadata, second, facts);
  if (facts.encoder) {
    detail::check_config(file, facts);
    detail::find_image_size(file, metadata, facts);
  }
  if (facts.decoder) detail::find_decoder_grid(metadata, facts);
  // Hugging Face's classes differ in it; all other code has one value.
  const bool varies = file.naming_id().starts_with("hugging_face");
  facts.layer_norm_eps = detail::first_known<double>(
      {{given.layer_norm_eps, Origin::given},
       {metadata.layer_norm_eps, Origin::metadata},
       {config.get<double>("layer_norm_eps"), Origin::config_json},
       {detail::type_defaults(config).layer_norm_eps, Origin::model_type},
       {varies ? std::nullopt : std::optional(1e-6), Origin::naming}});
  detail::check_positive(file, "num_heads", facts.num_heads);
  detail::check_positive(file, "decoder_num_heads", facts.decoder_num_heads);
  detail::check_positive(file, "layer_norm_eps", facts.layer_norm_eps);
  facts.norm_pix_loss = detail::first_known<bool>(
      {{given.norm_pix_loss, Origin::given},
       {metadata.norm_pix_loss, Origin::metadata},
       {config.get<bool>("norm_pix_loss"), Origin::config_json},
       {detail::type_defaults(config).norm_pix_loss, Origin::model_type},
       {metadata_flag(file.source.metadata(), "args.norm_pix_loss"), Origin::args}});
  return facts;
}

}  // namespace tessera::io
