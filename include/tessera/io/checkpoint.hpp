#pragma once

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tessera/core/size.hpp"
#include "tessera/io/json_values.hpp"
#include "tessera/io/recognise_naming.hpp"

namespace tessera::io {

/// How to read a checkpoint. Nothing need be given: the last five answer what a file may not say,
/// and an error asks for them by name. What is given here counts before what the file says.
struct CheckpointOptions {
  std::string naming = {};  ///< one of `namings` or own_naming; empty: recognised
  std::string entry = {};   ///< of a torch file, "state_dict_ema"; empty: "model" or "state_dict"
  /// The config.json of the model. Unset: the one in the folder of the file, if there. Empty: none.
  std::optional<std::filesystem::path> config = std::nullopt;
  std::optional<Index> num_heads = std::nullopt;
  std::optional<Index> decoder_num_heads = std::nullopt;
  std::optional<Size> image_size = std::nullopt;  ///< pixels that the positions are for
  std::optional<double> layer_norm_eps = std::nullopt;
  std::optional<bool> norm_pix_loss = std::nullopt;
  TensorOptions tensors = {};
};

/// A weights file whose naming is recognised. A plain value; the file stays mapped while it lives.
struct Checkpoint {
  TensorSource source;
  const Naming* naming = nullptr;  ///< null: own_naming
  CheckpointOptions options;
  JsonValues config;                      ///< of config.json, empty without one
  std::vector<CheckpointTensor> tensors;  ///< sorted by name
  std::vector<std::string> heads;         ///< stored heads and poolers: no model here has them
  std::vector<std::string> unexpected;    ///< stored tensors that the naming does not know
  std::vector<std::string> others;        ///< entries beside the model: "optimizer"

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

/// Names the tensors of a source that holds one model, or several entries of a training checkpoint.
/// Throws std::runtime_error naming the file if it is no model that is known, and
/// std::invalid_argument if options.naming is not.
inline Checkpoint open_checkpoint(const TensorSource& all, CheckpointOptions options = {},
                                  JsonValues config = JsonValues()) {
  // A torch file says what it is made of; elsewhere a prefix of every name is as good.
  const auto is_entry = [&](const std::string& name) {
    if (!all.groups().empty()) {
      return std::ranges::any_of(all.groups(),
                                 [&](const TensorGroup& group) { return group.name == name; });
    }
    return std::ranges::all_of(all.tensors(), [&](const StoredTensor& tensor) {
      return tensor.name.starts_with(name + ".");
    });
  };
  std::string entry = options.entry;
  for (const char* usual : {"model", "state_dict"}) {
    if (entry.empty() && !all.tensors().empty() && is_entry(usual)) entry = usual;
  }
  Checkpoint checkpoint{entry.empty() ? all : all.select(entry),
                        nullptr,
                        std::move(options),
                        std::move(config),
                        {},
                        {},
                        {},
                        {}};
  detail::NamingFit fit =
      detail::recognise_naming(checkpoint.source, checkpoint.options.naming, entry);
  checkpoint.naming = fit.naming;
  checkpoint.heads = std::move(fit.heads);
  for (const TensorGroup& group : all.groups()) {
    const bool used = entry.empty() ? fit.groups.contains(group.name) : group.name == entry;
    if (!used) checkpoint.others.push_back(group.name);
  }
  for (std::string& name : fit.unknown) {
    if (entry.empty() && std::ranges::count(checkpoint.others, detail::group_of(name)) > 0)
      continue;
    checkpoint.unexpected.push_back(std::move(name));
  }
  for (auto& [name, parts] : fit.ours) {
    checkpoint.tensors.push_back(detail::joined(checkpoint.source, name, std::move(parts)));
  }
  return checkpoint;
}

/// Opens a weights file as published (see open_tensors), finds out whose names it has, and reads
/// config.json. Throws as open_tensors and read_json_values, and as above.
inline Checkpoint open_checkpoint(const std::filesystem::path& path,
                                  CheckpointOptions options = {}) {
  const TensorSource source = open_tensors(path, options.tensors);
  JsonValues config;
  if (options.config && !options.config->empty()) {
    config = read_json_values(*options.config);
  } else if (!options.config) {
    std::filesystem::path beside = path.parent_path() / "config.json";
    std::error_code ignored;
    if (std::filesystem::is_regular_file(beside, ignored)) config = read_json_values(beside);
  }
  return open_checkpoint(source, std::move(options), std::move(config));
}

}  // namespace tessera::io
