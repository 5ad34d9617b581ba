#pragma once

#include <algorithm>
#include <array>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tessera/core/error.hpp"
#include "tessera/io/checkpoint/checkpoint.hpp"
#include "tessera/io/checkpoint/expected_tensors.hpp"
#include "tessera/io/checkpoint/facts.hpp"
#include "tessera/io/checkpoint/find_entry.hpp"
#include "tessera/io/inspect/describe.hpp"
#include "tessera/io/inspect/fact_text.hpp"
#include "tessera/io/preprocessing/choose.hpp"
#include "tessera/io/text/printable.hpp"

namespace tessera::io {

namespace detail {

/// The heads of a stack, with a remark where they cannot be right.
inline std::string heads_text(const Known<Index>& heads, const StackShape& stack,
                              std::string_view option) {
  const bool fits = !heads.value || stack.dim % *heads.value == 0;
  return concat(known_text(heads, option),
                fits ? "" : concat("; cannot be: the width is ", stack.dim));
}

/// The license of published weights, as far as it is known; the tensors never say. Hugging Face and
/// lightly have the models of MAE and I-JEPA in names of their own: published weights may be those
/// of the authors.
inline std::string license_text(const Checkpoint& file, ModelKind kind) {
  if (const auto stated = file.config.get<std::string>("pretrained_cfg.license")) {
    return printable(*stated) + " (config.json)";
  }
  const std::string_view naming = file.naming_id();
  if (naming == "mae" || naming == "ijepa") {
    return concat("weights published with ", file.equal.empty() ? "this" : file.naming->description,
                  file.equal.empty() ? " code" : "", " are CC BY-NC 4.0: not for commercial use");
  }
  if (naming == "dinov2") return "weights published with this code are Apache 2.0";
  const std::string type = file.config.get<std::string>("model_type").value_or("");
  const bool mae = kind == ModelKind::mae || type == "vit_mae";
  const bool ijepa = kind == ModelKind::ijepa || type == "ijepa";
  if (naming != own_naming && (mae || ijepa)) {
    return concat("the file does not say; weights by the authors of ", mae ? "MAE" : "I-JEPA",
                  " are CC BY-NC 4.0: not for commercial use");
  }
  return "the file does not say";
}

/// The naming, and those that it may be as well.
inline std::string naming_text(const Checkpoint& file) {
  if (file.naming == nullptr) return concat(own_naming, ": Tessera's own");
  std::string text = concat(file.naming_id(), ": ", file.naming->description);
  for (const std::string_view other : file.equal) {
    text += concat(other == file.equal[0] ? "; or " : ", ", other);
  }
  return text + (file.equal.empty() ? "" : ", which has the same names");
}

inline std::string grid_text(const CheckpointFacts& facts) {
  if (facts.unclear_positions) {
    return concat(facts.encoder->positions,
                  " positions, one of them perhaps for the class token: give image_size");
  }
  return concat(facts.encoder->positions - facts.position_prefix, " patches");
}

inline std::string pooling_text(const CheckpointFacts& facts) {
  return concat(*facts.global_pool.value == GlobalPool::avg ? "mean of patches" : "class token",
                facts.fc_norm ? ", then normalized" : "", " (", facts.global_pool.from, ")");
}

inline std::string activation_text(const CheckpointFacts& facts) {
  return concat(activation_name(*facts.activation.value), " (", facts.activation.from, ")");
}

/// The preparation of images, or the reason that it is not known.
inline std::string images_text(const Checkpoint& file, const CheckpointFacts& facts) {
  try {
    const auto how = known_preprocessing(file, facts.image_size.value.value_or(Size{}));
    if (!facts.image_size.value && how.from == Origin::standard) return "not told by the file";
    return concat(preprocessing_text(*how.value), " (", how.from, ")");
  } catch (const std::runtime_error& error) {
    return concat("cannot be prepared: ", error.what());
  }
}

/// The meaning of an MAE's pixels; published files tell it by their names alone.
inline std::string norm_pix_text(const Checkpoint& file, const CheckpointFacts& facts) {
  if (facts.norm_pix_loss.value) return known_text(facts.norm_pix_loss, "");
  const std::string name = std::filesystem::path(file.source.label()).filename().string();
  const std::string ask = known_text(facts.norm_pix_loss, "norm_pix_loss");
  if (name.find("visualize") != std::string::npos) return ask + "; by its name no (raw pixels)";
  if (name.find("pretrain") != std::string::npos) return ask + "; by its name yes";
  return ask;
}

/// The use of a model that can be loaded.
inline std::string use_text(const CheckpointFacts& facts) {
  switch (facts.kind) {
    case ModelKind::encoder:
      return "features; no decoder, so it cannot rebuild images";
    case ModelKind::mae:
      return "features, rebuilding images, further training";
    case ModelKind::ijepa:
      return facts.decoder ? "features of either encoder, further training"
                           : "features of either encoder";
    case ModelKind::decoder:
      return "nothing without an encoder";
    case ModelKind::predictor:
      return "nothing without the encoders of its I-JEPA";
    case ModelKind::other:
      break;
  }
  return "a module of one's own";
}

/// The reason that the model cannot be loaded whole, if there is one.
inline std::optional<std::string> load_obstacle(const Checkpoint& file,
                                                const CheckpointFacts& facts) {
  if (!file.unexpected.empty()) {
    return concat(
        "tensor ", in_quotes(file.unexpected[0]), " has no place in naming ", file.naming_id(),
        file.unexpected.size() > 1 ? concat(", nor have ", file.unexpected.size() - 1, " more")
                                   : "");
  }
  if (facts.kind == ModelKind::other || facts.unclear_positions) return std::nullopt;
  try {
    check_complete(file, facts);
  } catch (const std::runtime_error& error) {
    std::string reason = error.what();
    const std::string label = file.source.label() + ": ";
    return reason.starts_with(label) ? reason.substr(label.size()) : reason;
  }
  return std::nullopt;
}

inline std::string what_text(const Checkpoint& file, const CheckpointFacts& facts) {
  constexpr std::array<std::string_view, 6> names{"ViT encoder", "MAE with its decoder", "I-JEPA",
                                                  "MAE decoder", "I-JEPA predictor",     "module"};
  std::string text(names[static_cast<std::size_t>(facts.kind)]);
  if (facts.kind == ModelKind::encoder && facts.encoder->layer_scale) {
    text = facts.reg_tokens > 0 ? "ViT encoder with registers" : "ViT encoder with LayerScale";
  }
  const std::string size = facts.encoder
                               ? concat(", ", facts.encoder->dim, " wide, ", facts.encoder->depth,
                                        " deep", ", patches of ", facts.patch_size)
                               : "";
  return concat(text, size, ", ", detail::million_text(value_count(file, "")), " values");
}

}  // namespace detail

namespace detail {

/// A saved module of one's own that holds several models, each an entry.
inline Description describe_module(const Checkpoint& file, const std::vector<std::string>& models) {
  Description made;
  made.headline =
      concat("module with ", models.size(), " models, ", million_text(value_count(file, "")),
             " values; good for what each of them is: choose one with entry");
  made.table.push_back({"file", file.source.label()});
  made.table.push_back({"format", std::string(format_name(file.source.format()))});
  made.table.push_back({"models", entries_text(models)});
  return made;
}

}  // namespace detail

TESSERA_INLINE Description describe(const Checkpoint& whole) {
  const std::vector<std::string> models = detail::models_inside(whole);
  if (models.size() > 1) return detail::describe_module(whole, models);
  const std::optional<Checkpoint> part = detail::model_inside(whole);
  const Checkpoint& file = part ? *part : whole;
  const CheckpointFacts facts = read_facts(file);
  Description made;
  const auto add = [&](std::string_view key, std::string value) {
    made.table.push_back({std::string(key), std::move(value)});
  };
  const auto obstacle = detail::load_obstacle(file, facts);
  made.headline = concat(detail::what_text(file, facts),
                         obstacle ? "; cannot be loaded as it is: " : "; good for ",
                         obstacle ? *obstacle : detail::use_text(facts));
  add("file", file.source.label());
  add("format", std::string(format_name(file.source.format())));
  add("naming", detail::naming_text(file));
  if (!file.entry.empty()) add("entry", printable(file.entry));
  if (!file.unused_config.empty()) add("not used", file.unused_config);
  add("kind", std::string(kind_name(facts.kind)));
  if (facts.encoder) {
    add("encoder", detail::stack_text(*facts.encoder));
    add("heads", detail::heads_text(facts.num_heads, *facts.encoder, "num_heads"));
    add("patches", concat(facts.patch_size, " x ", facts.patch_size, " pixels, ", facts.in_chans,
                          " channels"));
    add("grid", detail::grid_text(facts));
    add("image size", detail::known_text(facts.image_size, "image_size"));
    add("prefix",
        concat(facts.class_token ? "class token" : "no class token", ", ", facts.reg_tokens,
               " registers", facts.no_embed_class ? ", without positions" : ""));
    add("pooling", detail::pooling_text(facts));
    if (!facts.encoder->gated) add("activation", detail::activation_text(facts));
    add("images", detail::images_text(file, facts));
  }
  if (facts.decoder) {
    add(file.contains_part("predictor.") ? "predictor" : "decoder",
        detail::stack_text(*facts.decoder));
    add("decoder heads",
        detail::heads_text(facts.decoder_num_heads, *facts.decoder, "decoder_num_heads"));
  } else {
    add("decoder", "none");
  }
  if (facts.kind == ModelKind::mae) {
    add("norm_pix_loss", detail::norm_pix_text(file, facts));
  }
  add("LayerNorm eps", detail::known_text(facts.layer_norm_eps, "layer_norm_eps"));
  add("stored as", detail::dtypes_text(file));
  add("parameters", detail::million_text(detail::value_count(file, "")));
  if (facts.encoder && facts.kind != ModelKind::encoder) {
    const Index encoder = detail::value_count(file, "encoder.");
    const Index target = detail::value_count(file, "target_encoder.");
    add("  in the encoder", detail::million_text(encoder));
    if (target > 0) add("  in the target encoder", detail::million_text(target));
    add("  in all else", detail::million_text(detail::value_count(file, "") - encoder - target));
  }
  const auto list = [&](std::string_view key, const std::vector<std::string>& names) {
    if (!names.empty()) add(key, listed(names, 4));
  };
  list("head, not loaded", file.heads);
  list("beside the model", file.partners);
  list("other entries", file.others);
  list("unexpected", file.unexpected);
  std::vector<std::string> skipped;
  for (const SkippedValue& value : file.whole.skipped()) {
    skipped.push_back(concat(printable(value.name), " (", value.reason, ")"));
  }
  list("left out of the file", skipped);
  add("self-test", file.source.metadata().contains("tessera.self_test.output") ? "yes" : "none");
  add("licence", detail::license_text(file, facts.kind));
  return made;
}

}  // namespace tessera::io
