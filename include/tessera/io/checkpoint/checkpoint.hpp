#pragma once

#include <algorithm>
#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tessera/core/error.hpp"
#include "tessera/core/size.hpp"
#include "tessera/io/checkpoint/find_entry.hpp"
#include "tessera/io/checkpoint/find_weights.hpp"
#include "tessera/io/file/fail.hpp"
#include "tessera/io/json/values.hpp"
#include "tessera/io/text/printable.hpp"
#include "tessera/models/masked_vision_transformer.hpp"

namespace tessera::io {

/// How to read a checkpoint. Nothing need be given: num_heads to global_pool answer what a file may
/// not say, and an error asks for them by name. What is given here counts before what the file
/// says.
struct CheckpointOptions {
  std::string naming = {};  ///< one of `namings` or own_naming; empty: recognised
  /// Of a training checkpoint: "state_dict_ema", "teacher.backbone". Empty: "model" or
  /// "state_dict", else the only one that holds a model; where there are several, the error lists
  /// them.
  std::string entry = {};
  /// The config.json of the model. Unset: the one in the folder of the file, if there. Empty: none.
  std::optional<std::filesystem::path> config = std::nullopt;
  std::optional<Index> num_heads = std::nullopt;
  std::optional<Index> decoder_num_heads = std::nullopt;
  std::optional<Size> image_size = std::nullopt;  ///< pixels that the positions are for
  std::optional<double> layer_norm_eps = std::nullopt;
  std::optional<bool> norm_pix_loss = std::nullopt;
  std::optional<GlobalPool> global_pool = std::nullopt;
  TensorOptions tensors = {};
};

/// A weights file whose naming is recognised. A plain value; the file stays mapped while it lives.
struct Checkpoint {
  TensorSource source;
  const Naming* naming = nullptr;  ///< null: own_naming
  CheckpointOptions options;
  JsonValues config;                      ///< of config.json, empty without one
  std::vector<CheckpointTensor> tensors;  ///< sorted by name
  std::string entry;                      ///< of the file that the model is; "": all of it
  std::string unused_config;              ///< why the config.json beside the file is not used
  std::vector<std::string_view> equal;    ///< namings that explain the names as well
  // As they may be shown:
  std::vector<std::string> heads;       ///< stored heads and poolers: no model here has them
  std::vector<std::string> unexpected;  ///< stored tensors that the naming does not know
  std::vector<std::string> others;      ///< entries beside the model: "optimizer"

  std::string_view naming_id() const { return naming == nullptr ? own_naming : naming->id; }

  const CheckpointTensor* find(std::string_view name) const {
    const auto place = first_from(name);
    return place == tensors.end() || place->name != name ? nullptr : &*place;
  }
  bool contains(std::string_view name) const { return find(name) != nullptr; }
  bool contains_part(std::string_view prefix) const {
    const auto place = first_from(prefix);
    return place != tensors.end() && place->name.starts_with(prefix);
  }

 private:
  std::vector<CheckpointTensor>::const_iterator first_from(std::string_view name) const {
    return std::lower_bound(
        tensors.begin(), tensors.end(), name,
        [](const CheckpointTensor& tensor, std::string_view key) { return tensor.name < key; });
  }
};

namespace detail {

/// Whose settings a config.json holds, by the name of the naming; "" if it does not say.
inline std::string_view config_family(const JsonValues& config) {
  const auto type =
      config.contains("model_type") ? config.get<std::string>("model_type") : std::nullopt;
  if (type && *type != "timm_wrapper") return "hugging_face";
  return config.contains("architecture") ? "timm" : "";
}

/// Settings of other code than that which named the tensors are not about them.
inline void leave_foreign_config(Checkpoint& checkpoint) {
  const std::string_view family = config_family(checkpoint.config);
  if (family.empty() || checkpoint.naming_id().starts_with(family)) return;
  const std::string why =
      concat("is of ", family, ", but the tensors have names of ", checkpoint.naming_id());
  if (checkpoint.options.config) refuse_file(checkpoint.config.label(), why);
  checkpoint.unused_config = concat(checkpoint.config.label(), " ", why);
  checkpoint.config = JsonValues();
}

}  // namespace detail

/// Names the tensors of a source that holds one model, or several entries of a training checkpoint.
/// Throws std::runtime_error naming the file if it is no model that is known, and
/// std::invalid_argument if options.naming is not.
inline Checkpoint open_checkpoint(const TensorSource& all, CheckpointOptions options = {},
                                  JsonValues config = JsonValues()) {
  detail::EntryFit found = detail::find_entry(all, options.entry, options.naming);
  detail::NamingFit& fit = found.fit;
  Checkpoint checkpoint{.source = std::move(found.source),
                        .naming = fit.naming,
                        .options = std::move(options),
                        .config = std::move(config),
                        .tensors = {},
                        .entry = std::move(found.entry),
                        .unused_config = {},
                        .equal = std::move(fit.equal),
                        .heads = {},
                        .unexpected = {},
                        .others = {}};
  detail::leave_foreign_config(checkpoint);
  const std::string_view entry = checkpoint.entry;
  std::set<std::string> others;
  for (const TensorGroup& group : all.groups()) {
    const bool used =
        entry.empty() ? fit.groups.contains(group.name) : group.name == detail::group_of(entry);
    if (!used) others.insert(group.name);
  }
  for (const std::string& name : others) checkpoint.others.push_back(printable(name));
  for (const std::string_view name : fit.heads) checkpoint.heads.push_back(printable(name));
  for (const std::string_view name : fit.unknown) {
    if (entry.empty() && others.contains(detail::group_of(name))) continue;
    checkpoint.unexpected.push_back(printable(name));
  }
  while (!fit.ours.empty()) {  // long names are not kept twice
    auto node = fit.ours.extract(fit.ours.begin());
    checkpoint.tensors.push_back(
        detail::joined(checkpoint.source, std::move(node.key()), std::move(node.mapped())));
  }
  return checkpoint;
}

/// Opens a weights file as published, or the one in a folder (see open_tensors, find_weights),
/// finds out whose names it has, and reads config.json. Throws as these and read_json_values, and
/// as above.
inline Checkpoint open_checkpoint(const std::filesystem::path& path,
                                  CheckpointOptions options = {}) {
  const std::filesystem::path weights = find_weights(path);
  const TensorSource source = open_tensors(weights, options.tensors);
  JsonValues config;
  if (options.config && !options.config->empty()) {
    config = read_json_values(*options.config);
  } else if (!options.config) {
    std::filesystem::path beside = weights.parent_path() / "config.json";
    std::error_code ignored;
    if (std::filesystem::is_regular_file(beside, ignored)) config = read_json_values(beside);
  }
  return open_checkpoint(source, std::move(options), std::move(config));
}

}  // namespace tessera::io
