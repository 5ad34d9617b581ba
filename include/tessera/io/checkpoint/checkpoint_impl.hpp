#pragma once

#include <algorithm>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "tessera/io/checkpoint/checkpoint.hpp"
#include "tessera/io/checkpoint/find_entry.hpp"
#include "tessera/io/checkpoint/own_entry.hpp"
#include "tessera/io/file/fail.hpp"
#include "tessera/io/naming/foreign.hpp"
#include "tessera/io/text/printable.hpp"

namespace tessera::io {

TESSERA_INLINE std::string_view Checkpoint::naming_id() const {
  return naming == nullptr ? own_naming : naming->id;
}

TESSERA_INLINE std::filesystem::path find_weights(const std::filesystem::path& path) {
  std::error_code ignored;
  if (!std::filesystem::is_directory(path, ignored)) return path;
  for (const char* usual : {"model.safetensors", "model.safetensors.index.json",
                            "pytorch_model.bin", "pytorch_model.bin.index.json"}) {
    if (std::filesystem::is_regular_file(path / usual, ignored)) return path / usual;
  }
  std::vector<std::string> found;
  std::string only;
  for (const auto& entry : std::filesystem::directory_iterator(path, ignored)) {
    const std::string name = entry.path().filename().string();
    for (const char* ending : {".safetensors", ".pth", ".pt", ".pth.tar", ".bin", ".ckpt"}) {
      if (name.ends_with(ending)) {
        found.push_back(printable(name));
        only = name;
        break;
      }
    }
  }
  if (found.size() == 1) return path / only;
  std::sort(found.begin(), found.end());
  if (found.empty()) refuse_file(path.string(), "is a folder without a weights file");
  refuse_file(path.string(), "is a folder of several weights files; give one: ", listed(found, 6));
}

namespace detail {

/// Puts the parts of a tensor together. Throws unless all are there and fit.
inline CheckpointTensor joined(const TensorSource& source, std::string name,
                               std::vector<StoredPart> parts) {
  std::sort(parts.begin(), parts.end(),
            [](const StoredPart& a, const StoredPart& b) { return a.part < b.part; });
  const StoredTensor& first = source.tensor(parts[0].stored);
  CheckpointTensor tensor{std::move(name), first.shape, first.dtype, {}};
  tensor.stored.reserve(parts.size());
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (i > 0 && parts[i].part == parts[i - 1].part) {
      refuse_file(source.label(), "tensor ", in_quotes(parts[i].stored), ": stands for ",
                  tensor.name, ", as ", in_quotes(parts[i - 1].stored), " does");
    }
    tensor.stored.emplace_back(parts[i].stored);
  }
  const Index wanted = parts[0].parts;
  if (static_cast<Index>(parts.size()) != wanted) {
    refuse_file(source.label(), "tensor ", in_quotes(parts[0].stored), ": is one of ", wanted,
                " parts of ", tensor.name, ", but the file has only ", parts.size());
  }
  for (std::size_t i = 1; i < parts.size(); ++i) {
    const StoredTensor& next = source.tensor(tensor.stored[i]);
    if (first.shape.empty() || next.shape.size() != first.shape.size() ||
        !std::equal(next.shape.begin() + 1, next.shape.end(), first.shape.begin() + 1)) {
      refuse_file(source.label(), "tensor ", in_quotes(next.name), ": shape ",
                  std::span<const Index>(next.shape), " cannot be joined with ",
                  std::span<const Index>(first.shape), " of ", in_quotes(first.name));
    }
    tensor.shape[0] += next.shape[0];
  }
  return tensor;
}

/// The code whose settings a config.json holds, by the name of its naming; "" if it does not say.
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

/// Names of modules that train beside an encoder and are no part of it.
inline constexpr auto partner_names = std::to_array<std::string_view>(
    {"online_classifier", "online_probe", "linear_classifier", "linear_probe", "classifier",
     "classification_head", "projection_head", "projector", "prediction_head", "predictor",
     "criterion", "loss", "metric", "metrics"});

/// True of a tensor of a module that stands beside the model. Where the model's own tensors stand
/// in modules, any other module beside these is a partner; where they stand at the top, any other
/// name may belong to the model, and only modules of usual names are partners.
inline bool is_partner(const NamingFit& fit, std::string_view name) {
  if (name.find('.') == std::string_view::npos) return false;
  const std::string group = group_of(name);
  if (fit.groups.contains(group)) return false;
  return !fit.at_root || std::ranges::count(partner_names, group) > 0;
}

/// The entries of a file beside the one that holds the model.
inline std::set<std::string> other_entries(const TensorSource& all, const NamingFit& fit,
                                           const std::string& entry) {
  std::set<std::string> others;
  if (!all.groups().empty()) {
    for (const TensorGroup& group : all.groups()) {
      const bool used =
          entry.empty() ? fit.groups.contains(group.name) : group.name == group_of(entry);
      if (!used) others.insert(group.name);
    }
  } else if (!entry.empty()) {
    for (const StoredTensor& tensor : all.tensors()) {
      const std::string group = group_of(tensor.name);
      if (group != group_of(entry) && group.size() < tensor.name.size()) others.insert(group);
    }
  }
  return others;
}

/// Sorts names that the naming does not know into those of partners and those that are unexpected.
/// Throws std::runtime_error if one of these tells another model.
inline void sort_unknown(const NamingFit& fit, const std::set<std::string>& others,
                         Checkpoint& checkpoint) {
  std::vector<std::string_view> unexpected;
  for (const std::string_view name : fit.unknown) {
    if (checkpoint.entry.empty() && others.contains(group_of(name))) continue;
    if (is_partner(fit, name)) {
      checkpoint.partners.push_back(printable(name));
    } else {
      unexpected.push_back(name);
      checkpoint.unexpected.push_back(printable(name));
    }
  }
  if (unexpected.empty()) return;
  const auto foreign =
      foreign_model(unwrapped_names(unexpected), unwrapped_names(names_in(checkpoint.source)));
  if (foreign) {
    refuse_file(checkpoint.source.label(), *foreign, "; Tessera has no such model");
  }
}

}  // namespace detail

TESSERA_INLINE Checkpoint open_checkpoint(const TensorSource& all, CheckpointOptions options,
                                          JsonValues config) {
  detail::EntryFit found = detail::has_own_naming(all.metadata(), options.naming)
                               ? detail::find_own_entry(all, options.entry)
                               : detail::find_entry(all, options.entry, options.naming);
  detail::NamingFit& fit = found.fit;
  Checkpoint checkpoint{.source = std::move(found.source),
                        .whole = all,
                        .naming = fit.naming,
                        .options = std::move(options),
                        .config = std::move(config),
                        .tensors = {},
                        .entry = std::move(found.entry),
                        .unused_config = {},
                        .equal = std::move(fit.equal),
                        .heads = {},
                        .partners = {},
                        .unexpected = {},
                        .others = {}};
  detail::leave_foreign_config(checkpoint);
  const std::set<std::string> others = detail::other_entries(all, fit, checkpoint.entry);
  for (const std::string& name : others) checkpoint.others.push_back(printable(name));
  for (const std::string_view name : fit.heads) checkpoint.heads.push_back(printable(name));
  detail::sort_unknown(fit, others, checkpoint);
  while (!fit.ours.empty()) {  // long names are not kept twice
    auto node = fit.ours.extract(fit.ours.begin());
    checkpoint.tensors.push_back(
        detail::joined(checkpoint.source, std::move(node.key()), std::move(node.mapped())));
  }
  return checkpoint;
}

TESSERA_INLINE Checkpoint open_checkpoint(const std::filesystem::path& path,
                                          CheckpointOptions options) {
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

namespace detail {

TESSERA_INLINE std::vector<std::string> models_inside(const Checkpoint& file) {
  const bool is_module =
      file.naming == nullptr && file.entry.empty() && !stated_kind(file.source.metadata(), "");
  return is_module ? own_models(file.whole) : std::vector<std::string>();
}

TESSERA_INLINE std::optional<Checkpoint> model_inside(const Checkpoint& file) {
  const std::vector<std::string> models = models_inside(file);
  if (models.empty()) return std::nullopt;
  if (models.size() > 1) {
    refuse_file(file.source.label(), "holds a module with several models; choose one with entry: ",
                entries_text(models));
  }
  CheckpointOptions options = file.options;
  options.entry = models[0];
  return open_checkpoint(file.whole, std::move(options), file.config);
}

}  // namespace detail
}  // namespace tessera::io
