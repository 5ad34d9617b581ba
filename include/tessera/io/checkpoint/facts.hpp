#pragma once

#include <cmath>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tessera/core/error.hpp"
#include "tessera/io/checkpoint/check_config_json.hpp"
#include "tessera/io/checkpoint/hyperparameters.hpp"
#include "tessera/io/checkpoint/known.hpp"
#include "tessera/io/checkpoint/published_sizes.hpp"
#include "tessera/io/checkpoint/stack_shape.hpp"
#include "tessera/io/file/fail.hpp"
#include "tessera/io/naming/model_kind.hpp"
#include "tessera/io/tensors/metadata.hpp"

namespace tessera::io {

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
  /// Whether a row of positions is for the class token cannot be told: see image_size.
  bool unclear_positions = false;
  bool fc_norm = false;
  Known<GlobalPool> global_pool;
  Known<kernels::Bicubic> resampling;
  Known<Size> image_size;
  Known<Size> decoder_grid;  ///< in patches
  Known<Index> num_heads;
  Known<Index> decoder_num_heads;
  Known<double> layer_norm_eps;
  Known<bool> norm_pix_loss;

  Index prefix_tokens() const { return (class_token ? 1 : 0) + reg_tokens; }
};

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

inline bool is_grid_of(const Size& image, Index patch, Index patches) {
  return image.height > 0 && image.width > 0 && image.height % patch == 0 &&
         image.width % patch == 0 && image.height / patch * (image.width / patch) == patches;
}

/// The square grid of so many patches, if there is one.
inline std::optional<Size> square_of(Index patches) {
  const auto side = static_cast<Index>(std::lround(std::sqrt(static_cast<double>(patches))));
  if (side < 1 || side * side != patches) return std::nullopt;
  return Size{side, side};
}

/// Why image_size must be asked for.
inline std::string no_image_size(const CheckpointFacts& facts) {
  return facts.unclear_positions
             ? concat(facts.encoder->positions,
                      " positions are a square, or another grid with one for the class token")
             : concat("its grid is not square: ", facts.encoder->positions - facts.position_prefix,
                      " patches");
}

/// Which rows of the position table belong to prefix tokens, and the image the others are for.
inline void find_grid(const Checkpoint& file, Known<Size> said, CheckpointFacts& facts) {
  const Index rows = facts.encoder->positions;
  const Index prefix = facts.prefix_tokens();
  Index placed = prefix;
  if (file.naming != nullptr && file.naming->class_row) {
    facts.no_embed_class = facts.reg_tokens > 0;
    placed = facts.class_token ? 1 : 0;
  } else if (prefix > 0) {
    const auto is_grid = [&](Index patches) {
      return said.value ? is_grid_of(*said.value, facts.patch_size, patches)
                        : square_of(patches).has_value();
    };
    const auto config = file.config.get<bool>("model_args.no_embed_class");
    const bool without_prefix = config.value_or(is_grid(rows) && !is_grid(rows - prefix));
    // With registers, timm's models leave the prefix without positions. A class token alone has one
    // or not: 225 rows are a square without it, or 14 x 16 with it.
    facts.unclear_positions = without_prefix && !config && !said.value && facts.reg_tokens == 0;
    facts.no_embed_class =
        config.value_or(is_grid(rows) && (facts.reg_tokens > 0 || without_prefix));
    if (facts.no_embed_class) placed = 0;
  }
  facts.position_prefix = placed;
  if (facts.unclear_positions) return;
  const Index patches = rows - placed;
  if (said.value && !is_grid_of(*said.value, facts.patch_size, patches)) {
    refuse_file(file.source.label(), "image_size ", *said.value, " (", said.from,
                ") in patches of ", facts.patch_size, " does not make the ", patches,
                " that the file has positions for");
  }
  if (const auto square = square_of(patches); square && !said.value) {
    const bool must_be = file.naming != nullptr && file.naming->square;
    said = {Size{square->height * facts.patch_size, square->width * facts.patch_size},
            must_be ? Origin::naming : Origin::square_grid};
  }
  facts.image_size = said;
}

inline Known<GlobalPool> find_pool(const Checkpoint& file, const HiddenFacts& metadata,
                                   const CheckpointFacts& facts) {
  std::optional<GlobalPool> config;
  if (file.config.contains("architecture")) {
    for (const char* key : {"global_pool", "model_args.global_pool"}) {  // the latter counts
      const std::string pool = file.config.get<std::string>(key).value_or("");
      if (pool == "avg") config = GlobalPool::avg;
      if (pool == "token") config = GlobalPool::token;
    }
  }
  const bool average = facts.fc_norm || facts.prefix_tokens() == 0;
  return first_known<GlobalPool>(
      {{file.options.global_pool, Origin::given},
       {average ? std::optional(GlobalPool::avg) : std::nullopt, Origin::tensors},
       {metadata.global_pool, Origin::metadata},
       {config, Origin::config_json},
       {GlobalPool::token, Origin::standard}});
}

inline void find_encoder(const Checkpoint& file, const HiddenFacts& metadata,
                         CheckpointFacts& facts) {
  const std::string prefix =
      file.contains_part("encoder.patch_embed.") ? "encoder." : "target_encoder.";
  facts.encoder = stack_facts(file, prefix);
  const StackFacts& encoder = *facts.encoder;
  const std::vector<Index>& kernel = shape_of(file, prefix + "patch_embed.proj.weight", 4);
  facts.in_chans = kernel[1];
  facts.patch_size = kernel[2];
  require_shape(file, prefix + "patch_embed.proj.weight",
                {encoder.dim, facts.in_chans, facts.patch_size, facts.patch_size});
  if (facts.patch_size < 1 || facts.in_chans < 1 || encoder.dim < 1) {
    refuse_file(file.source.label(), "tensor ", prefix, "patch_embed.proj.weight: is empty");
  }
  facts.class_token = file.contains(prefix + "cls_token");
  if (file.contains(prefix + "reg_token")) {
    facts.reg_tokens = shape_of(file, prefix + "reg_token", 3)[1];
  }
  facts.fc_norm = file.contains(prefix + "fc_norm.weight");
  facts.global_pool = find_pool(file, metadata, facts);
  // Code that has registers resamples with antialiasing, whatever it does without them.
  const bool plain = file.naming != nullptr && facts.reg_tokens == 0 &&
                     file.naming->resampling == kernels::Bicubic::plain;
  facts.resampling = first_known<kernels::Bicubic>(
      {{metadata.resampling, Origin::metadata},
       {plain ? kernels::Bicubic::plain : kernels::Bicubic::antialias, Origin::naming}});
}

inline void find_image_size(const Checkpoint& file, const HiddenFacts& metadata,
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

inline void find_decoder(const Checkpoint& file, const HiddenFacts& metadata,
                         const std::string& prefix, CheckpointFacts& facts) {
  facts.decoder = stack_facts(file, prefix);
  if (facts.encoder) check_joints(file, facts);
  // The I-JEPA code gives the predictor the heads of the encoder.
  const bool as_encoder = file.naming_id() == "ijepa" && facts.num_heads.value;
  facts.decoder_num_heads = first_known<Index>(
      {{file.options.decoder_num_heads, Origin::given},
       {metadata.decoder_num_heads, Origin::metadata},
       {file.config.get<Index>("decoder_num_attention_heads"), Origin::config_json},
       {as_encoder ? facts.num_heads.value : std::nullopt, Origin::naming},
       {published_decoder_heads(file.naming_id(), facts.kind, *facts.decoder),
        Origin::published_size}});
  std::optional<Size> square;
  for (const Index of_prefix : {0, 1}) {
    if (!square) square = square_of(facts.decoder->positions - of_prefix);
  }
  facts.decoder_grid =
      first_known<Size>({{metadata.decoder_grid, Origin::metadata}, {square, Origin::square_grid}});
}

}  // namespace detail

/// Reads the facts off a checkpoint. Throws std::runtime_error naming file, tensor and reason where
/// tensors that make up a model are missing or contradict each other or config.json.
inline CheckpointFacts read_facts(const Checkpoint& file) {
  CheckpointFacts facts;
  facts.kind = detail::kind_of(file);
  const JsonValues& config = file.config;
  const CheckpointOptions& given = file.options;
  const HiddenFacts metadata = detail::hidden_facts(file.source.metadata());
  if (file.contains_part("encoder.") || file.contains_part("target_encoder.")) {
    detail::find_encoder(file, metadata, facts);
    facts.num_heads = detail::first_known<Index>(
        {{given.num_heads, Origin::given},
         {metadata.num_heads, Origin::metadata},
         {config.get<Index>("num_attention_heads"), Origin::config_json},
         {config.get<Index>("model_args.num_heads"), Origin::config_json},
         {detail::architecture_heads(file), Origin::config_json},
         {detail::is_moco(file) ? std::nullopt : detail::published_encoder_heads(*facts.encoder),
          Origin::published_size}});
  }
  const std::string second = file.contains_part("predictor.") ? "predictor." : "decoder.";
  if (file.contains_part(second)) detail::find_decoder(file, metadata, second, facts);
  if (facts.encoder) {
    detail::check_config(file, {.encoder = *facts.encoder,
                                .decoder = facts.decoder,
                                .patch_size = facts.patch_size,
                                .in_chans = facts.in_chans,
                                .reg_tokens = facts.reg_tokens,
                                .class_token = facts.class_token,
                                .fc_norm = facts.fc_norm});
    detail::find_image_size(file, metadata, facts);
  }
  // Hugging Face's classes differ in it; all other code has one value.
  const bool varies = file.naming_id().starts_with("hugging_face");
  facts.layer_norm_eps =
      detail::first_known<double>({{given.layer_norm_eps, Origin::given},
                                   {metadata.layer_norm_eps, Origin::metadata},
                                   {config.get<double>("layer_norm_eps"), Origin::config_json},
                                   {varies ? std::nullopt : std::optional(1e-6), Origin::naming}});
  const auto check_positive = [&](std::string_view what, const auto& fact) {
    if (!fact.value || *fact.value > 0) return;
    refuse_file(file.source.label(), what, " ", *fact.value, " (", fact.from, ") is not positive");
  };
  check_positive("num_heads", facts.num_heads);
  check_positive("decoder_num_heads", facts.decoder_num_heads);
  check_positive("layer_norm_eps", facts.layer_norm_eps);
  facts.norm_pix_loss = detail::first_known<bool>(
      {{given.norm_pix_loss, Origin::given},
       {metadata.norm_pix_loss, Origin::metadata},
       {config.get<bool>("norm_pix_loss"), Origin::config_json},
       {metadata_flag(file.source.metadata(), "args.norm_pix_loss"), Origin::args}});
  return facts;
}

}  // namespace tessera::io
