#pragma once

#include <algorithm>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tessera/io/recognise_naming.hpp"

namespace tessera::io::detail {

/// The part of a file that holds a model, and how its names are explained.
struct EntryFit {
  std::string entry;  ///< "" : the whole file
  TensorSource source;
  NamingFit fit;
};

/// What names begin with, up to three parts deep: "teacher", "teacher.backbone".
inline std::set<std::string> entry_candidates(const TensorSource& all) {
  constexpr std::size_t deepest = 3;
  constexpr std::size_t most = 64;
  constexpr std::size_t most_tensors = 20'000;
  std::set<std::string> found;
  if (all.tensors().size() > most_tensors) return found;
  for (const StoredTensor& tensor : all.tensors()) {
    std::size_t end = 0;
    for (std::size_t depth = 0; depth < deepest; ++depth) {
      end = tensor.name.find('.', end == 0 ? 0 : end + 1);
      if (end == std::string::npos) break;
      found.insert(tensor.name.substr(0, end));
    }
    if (found.size() > most) return {};
  }
  return found;
}

/// The only part whose names make a model. Throws if there are several, or none.
inline EntryFit only_entry(const TensorSource& all, std::string_view naming) {
  std::vector<EntryFit> fits;
  for (const std::string& name : entry_candidates(all)) {  // "a" before "a.b"
    const bool inside = std::ranges::any_of(
        fits, [&](const EntryFit& outer) { return name.starts_with(outer.entry + "."); });
    if (inside) continue;
    TensorSource part = all.select(name);
    NamingFit fit = best_fit(part, naming, name);
    if (fit.known > 0) fits.push_back({name, std::move(part), std::move(fit)});
  }
  if (fits.empty()) refuse_names(all, naming);
  if (fits.size() == 1) return std::move(fits[0]);
  std::string names;
  for (const EntryFit& one : fits) names += text_of(" ", name_text(one.entry));
  fail(all.label(), "holds several models; choose one with entry:", names);
}

/// The entry asked for; else "model" or "state_dict"; else the whole file; else the only part that
/// makes a model. Throws std::runtime_error naming the file, and the entries if there are several.
inline EntryFit find_entry(const TensorSource& all, const std::string& asked,
                           std::string_view naming) {
  // A torch file says what it is made of; elsewhere a prefix of every name is as good.
  const auto is_entry = [&](const std::string& name) {
    if (!all.groups().empty()) {
      return std::ranges::any_of(all.groups(),
                                 [&](const TensorGroup& group) { return group.name == name; });
    }
    return !all.tensors().empty() &&
           std::ranges::all_of(all.tensors(), [&](const StoredTensor& tensor) {
             return tensor.name.starts_with(name + ".");
           });
  };
  std::string entry = asked;
  if (entry.empty()) {
    const bool model = is_entry("model");
    const bool state = is_entry("state_dict");
    if (model && state) {
      fail(all.label(), "holds several models; choose one with entry: 'model' 'state_dict'");
    }
    entry = model ? "model" : state ? "state_dict" : "";
  }
  TensorSource source = entry.empty() ? all : all.select(entry);
  NamingFit fit = best_fit(source, naming, entry);
  if (fit.known > 0) return {std::move(entry), std::move(source), std::move(fit)};
  if (!asked.empty()) refuse_names(source, naming);
  return only_entry(all, naming);
}

}  // namespace tessera::io::detail
