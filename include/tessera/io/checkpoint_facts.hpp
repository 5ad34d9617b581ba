#pragma once

#include <charconv>
#include <cmath>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tessera/io/checkpoint_kind.hpp"
#include "tessera/io/stack_facts.hpp"
#include "tessera/models/presets.hpp"

namespace tessera::io {

/// A value, if it can be known, and where from: "given", "metadata", "config.json", "args",
/// "published size", "square grid" or "naming".
template <class T>
struct Known {
  std::optional<T> value = std::nullopt;
  std::string_view from = "";
};

/// All that a checkpoint says about its model.
struct CheckpointFacts {
  ModelKind kind = ModelKind::other;
  std::optional<StackFacts> encoder;
  std::optional<StackFacts> decoder;  ///< or predictor
  Index patch_size = 0;
  Index in_chans = 0;
  bool class_token = false;
  Index reg_tokens = 0;
  bool no_embed_class = false;
  Index position_prefix = 0;  ///< rows of the encoder's positions that are for prefix tokens
  bool fc_norm = false;
  GlobalPool global_pool = GlobalPool::token;
  Known<Size> image_size;
  Known<Index> num_heads;
  Known<Index> decoder_num_heads;
  Known<double> layer_norm_eps;
  Known<bool> norm_pix_loss;
};

namespace detail {

/// Takes the first source that knows.
template <class T>
Known<T> first_known(std::initializer_list<Known<T>> sources) {
  for (const Known<T>& source : sources) {
    if (source.value) return source;
  }
  return {};
}

inline std::string metadata_text(const Checkpoint& file, std::string_view key) {
  const auto found = file.source.metadata().find(key);
  return found == file.source.metadata().end() ? "" : found->second;
}

inline std::optional<double> metadata_number(const Checkpoint& file, std::string_view key) {
  const std::string text = metadata_text(file, key);
  double value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec != std::errc() || result.ptr != text.data() + text.size()) return {};
  return value;
}

inline std::optional<Index> metadata_index(const Checkpoint& file, std::string_view key) {
  const std::optional<double> value = metadata_number(file, key);
  if (!value || !(*value >= 0 && *value <= 1e9) || std::floor(*value) != *value) return {};
  return static_cast<Index>(*value);
}

/// Python's True and False, or 1 and 0.
inline std::optional<bool> metadata_flag(const Checkpoint& file, std::string_view key) {
  const std::string text = metadata_text(file, key);
  if (text == "True" || text == "1") return true;
  if (text == "False" || text == "0") return false;
  return {};
}

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
  const bool encoder = file.contains("encoder.patch_embed.proj.weight");
  const bool target = file.contains("target_encoder.patch_embed.proj.weight");
  if (file.contains_part("predictor") || target) {
    return encoder || target ? ModelKind::ijepa : ModelKind::predictor;
  }
  if (file.contains_part("decoder")) return encoder ? ModelKind::mae : ModelKind::decoder;
  return encoder ? ModelKind::encoder : ModelKind::other;
}

/// Heads of the published models of a width and depth; those of other sizes differ.
inline Known<Index> published_heads(const StackFacts& stack) {
  for (const tessera::detail::NamedVit& vit : tessera::detail::vit_sizes) {
    if (vit.embed_dim == stack.dim && vit.depth == stack.depth) {
      return {vit.num_heads, "published size"};
    }
  }
  if (stack.dim == 1536 && stack.depth == 40) return {24, "published size"};  // DINOv2's giant
  if (stack.dim == 512 && stack.depth == 8) return {16, "published size"};    // MAE's decoder
  return {};
}

inline bool is_grid_of(const Size& image, Index patch, Index patches) {
  return image.height > 0 && image.width > 0 && image.height % patch == 0 &&
         image.width % patch == 0 && image.height / patch * (image.width / patch) == patches;
}

inline bool is_square(Index patches) {
  const auto side = static_cast<Index>(std::lround(std::sqrt(static_cast<double>(patches))));
  return side > 0 && side * side == patches;
}

/// Which rows of the position table belong to prefix tokens, and the image the others are for.
inline void find_grid(const Checkpoint& file, Known<Size> said, CheckpointFacts& facts) {
  const Index rows = facts.encoder->positions;
  const Index prefix = (facts.class_token ? 1 : 0) + facts.reg_tokens;
  Index placed = prefix;
  if (file.naming != nullptr && file.naming->class_row) {
    facts.no_embed_class = facts.reg_tokens > 0;
    placed = facts.class_token ? 1 : 0;
  } else if (prefix > 0) {
    const auto is_grid = [&](Index patches) {
      return said.value ? is_grid_of(*said.value, facts.patch_size, patches) : is_square(patches);
    };
    // With registers, timm's models leave the prefix without positions more often than not.
    const bool without = is_grid(rows) && (facts.reg_tokens > 0 || !is_grid(rows - prefix));
    facts.no_embed_class = without;
    if (without) placed = 0;
  }
  facts.position_prefix = placed;
  const Index patches = rows - placed;
  if (said.value && !is_grid_of(*said.value, facts.patch_size, patches)) {
    fail(file.source.label(), "image_size ", *said.value, " (", said.from, ") in patches of ",
         facts.patch_size, " does not make the ", patches, " that the file has positions for");
  }
  if (!said.value && is_square(patches)) {
    const auto side = static_cast<Index>(std::lround(std::sqrt(static_cast<double>(patches))));
    said = {Size{side * facts.patch_size, side * facts.patch_size}, "square grid"};
  }
  facts.image_size = said;
}

/// What config.json says must be what the tensors are.
inline void check_config(const Checkpoint& file, const StackFacts& encoder) {
  const auto check = [&](const char* key, Index actual) {
    const std::optional<Index> said = file.config.get<Index>(key);
    if (said && *said != actual) {
      fail(file.config.label(), key, " is ", *said, ", but the tensors of ", file.source.label(),
           " make it ", actual);
    }
  };
  check("hidden_size", encoder.dim);
  check("num_hidden_layers", encoder.depth);
  check("num_features", encoder.dim);
  const std::string act = file.config.get<std::string>("hidden_act").value_or("gelu");
  if (act != "gelu") {
    fail(file.config.label(), "hidden_act ", name_text(act), " is not supported; gelu is");
  }
}

inline void find_encoder(const Checkpoint& file, CheckpointFacts& facts) {
  const std::string prefix =
      file.contains("encoder.patch_embed.proj.weight") ? "encoder." : "target_encoder.";
  facts.encoder = stack_facts(file, prefix);
  const StackFacts& encoder = *facts.encoder;
  check_config(file, encoder);
  const std::vector<Index>& kernel = shape_of(file, prefix + "patch_embed.proj.weight", 4);
  facts.in_chans = kernel[1];
  facts.patch_size = kernel[2];
  require_shape(file, prefix + "patch_embed.proj.weight",
                {encoder.dim, facts.in_chans, facts.patch_size, facts.patch_size});
  if (facts.patch_size < 1 || facts.in_chans < 1 || encoder.dim < 1) {
    fail(file.source.label(), "tensor ", prefix, "patch_embed.proj.weight: is empty");
  }
  facts.class_token = file.contains(prefix + "cls_token");
  if (file.contains(prefix + "reg_token")) {
    facts.reg_tokens = shape_of(file, prefix + "reg_token", 3)[1];
  }
  facts.fc_norm = file.contains(prefix + "fc_norm.weight");
  std::string pool = metadata_text(file, "tessera.global_pool");
  if (pool.empty() && file.config.contains("architecture")) {
    pool = file.config.get<std::string>("global_pool").value_or("");
  }
  const bool has_prefix = facts.class_token || facts.reg_tokens > 0;
  const bool average = facts.fc_norm || !has_prefix || pool == "avg";
  facts.global_pool = average ? GlobalPool::avg : GlobalPool::token;

  Known<Size> metadata{std::nullopt, "metadata"};
  const auto height = metadata_index(file, "tessera.image_height");
  const auto width = metadata_index(file, "tessera.image_width");
  if (height && width) metadata.value = Size{*height, *width};
  const auto input_height = file.config.get<Index>("pretrained_cfg.input_size.1");
  const auto input_width = file.config.get<Index>("pretrained_cfg.input_size.2");
  const auto timm_input =
      input_height && input_width ? std::optional(Size{*input_height, *input_width}) : std::nullopt;
  find_grid(file,
            first_known<Size>({{file.options.image_size, "given"},
                               metadata,
                               {config_size(file.config, "image_size"), "config.json"},
                               {config_size(file.config, "model_args.img_size"), "config.json"},
                               {timm_input, "config.json"}}),
            facts);
}

/// What joins encoder and decoder, so that no model is larger than the file.
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

}  // namespace detail

/// Reads the facts off a checkpoint. Throws std::runtime_error naming file, tensor and reason where
/// tensors that make up a model are missing or contradict each other or config.json.
inline CheckpointFacts read_facts(const Checkpoint& file) {
  CheckpointFacts facts;
  facts.kind = detail::kind_of(file);
  const JsonValues& config = file.config;
  const CheckpointOptions& given = file.options;
  if (file.contains_part("encoder.") || file.contains_part("target_encoder.")) {
    detail::find_encoder(file, facts);
    facts.num_heads =
        detail::first_known<Index>({{given.num_heads, "given"},
                                    {detail::metadata_index(file, "tessera.num_heads"), "metadata"},
                                    {config.get<Index>("num_attention_heads"), "config.json"},
                                    {config.get<Index>("model_args.num_heads"), "config.json"},
                                    detail::published_heads(*facts.encoder)});
  }
  const std::string second = file.contains_part("predictor.") ? "predictor." : "decoder.";
  if (file.contains_part(second)) {
    facts.decoder = detail::stack_facts(file, second);
    if (facts.encoder) detail::check_joints(file, facts);
    // The I-JEPA code gives the predictor the heads of the encoder.
    const bool as_encoder = file.naming_id() == "ijepa" && facts.num_heads.value;
    facts.decoder_num_heads = detail::first_known<Index>(
        {{given.decoder_num_heads, "given"},
         {detail::metadata_index(file, "tessera.decoder_num_heads"), "metadata"},
         {config.get<Index>("decoder_num_attention_heads"), "config.json"},
         {as_encoder ? facts.num_heads.value : std::nullopt, "naming"},
         detail::published_heads(*facts.decoder)});
  }
  // Hugging Face's classes differ in it; all other code has one value.
  const bool varies = file.naming_id().starts_with("hugging_face");
  facts.layer_norm_eps = detail::first_known<double>(
      {{given.layer_norm_eps, "given"},
       {detail::metadata_number(file, "tessera.layer_norm_eps"), "metadata"},
       {config.get<double>("layer_norm_eps"), "config.json"},
       {varies ? std::nullopt : std::optional(1e-6), "naming"}});
  facts.norm_pix_loss =
      detail::first_known<bool>({{given.norm_pix_loss, "given"},
                                 {detail::metadata_flag(file, "tessera.norm_pix_loss"), "metadata"},
                                 {config.get<bool>("norm_pix_loss"), "config.json"},
                                 {detail::metadata_flag(file, "args.norm_pix_loss"), "args"}});
  return facts;
}

}  // namespace tessera::io
