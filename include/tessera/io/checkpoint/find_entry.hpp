#pragma once

#include <algorithm>
#include <iterator>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tessera/core/error.hpp"
#include "tessera/io/file/fail.hpp"
#include "tessera/io/naming/recognize.hpp"
#include "tessera/io/text/printable.hpp"

namespace tessera::io::detail {

/// The part of a file that holds a model, and how its names are explained.
struct EntryFit {
  std::string entry;  ///< "" : the whole file
  TensorSource source;
  NamingFit fit;
};

/// What stands before names of a first block, up to four parts deep: "teacher.backbone". Whatever
/// else a training checkpoint holds, such as an optimizer's state, is none.
inline std::set<std::string> entry_candidates(const std::vector<std::string_view>& names) {
  std::set<std::string> first_blocks;  // names in a block, in any naming
  for (const Naming& naming : namings) {
    for (const NameSection& section : naming.sections) {
      visit_names(section, [&](const std::string& theirs, const std::string& ours, const NamePair&,
                               const std::string&) {
        if (ours.find("blocks.*.") != std::string::npos) first_blocks.insert(theirs);
      });
    }
  }
  constexpr int deepest = 4;
  std::set<std::string> found;
  for (const std::string_view name : names) {
    std::size_t end = 0;
    for (int depth = 0; depth < deepest; ++depth) {
      end = name.find('.', depth == 0 ? 0 : end + 1);
      if (end == std::string_view::npos) break;
      const auto [pattern, number] = without_number(unwrapped(name.substr(end + 1)));
      if (number == "0" && first_blocks.contains(pattern)) found.emplace(name.substr(0, end));
    }
  }
  return found;
}

/// Names of a file behind an entry and a dot, without these; "": all of them.
inline std::vector<std::string_view> names_behind(const std::vector<std::string_view>& names,
                                                  const std::string& entry) {
  if (entry.empty()) return names;
  const std::string begin = entry + ".";
  std::vector<std::string_view> found;
  for (const std::string_view name : names) {
    if (name.starts_with(begin)) found.push_back(name.substr(begin.size()));
  }
  return found;
}

/// A part of a file, before its tensors are selected.
struct EntryNames {
  std::string entry;
  NamingFit fit;  ///< views the names of the file
};

/// Finds the parts of a file that are models.
class EntrySearch {
 public:
  EntrySearch(const TensorSource& all, std::string_view naming) : all_(all), naming_(naming) {}

  /// Throws std::runtime_error if there is too much to choose from.
  std::vector<EntryNames> models_in(const std::string& entry) {
    return models_in(entry, names_behind(names_in(all_), entry), 2);
  }

 private:
  /// The models in an entry: it as a whole, or the parts of it that are better explained alone, as
  /// an encoder with a class token under "encoder" is not the I-JEPA that it may look like.
  std::vector<EntryNames> models_in(const std::string& entry,
                                    const std::vector<std::string_view>& names, int deepest) {
    std::vector<EntryNames> models;
    NamingFit whole = fit_of(names, entry);
    if (whole.known == 0 || (deepest > 0 && leaves_of_its_own(whole))) {
      std::size_t covered = 0;                             // of what the whole explains
      std::vector<std::string> done;                       // parts that are settled, with a dot
      for (const std::string& part : candidates(names)) {  // "a" before "a.b"
        const auto holds_it = [&](const std::string& outer) { return part.starts_with(outer); };
        if (std::ranges::any_of(done, holds_it)) continue;
        const std::string path = entry.empty() ? part : concat(entry, ".", part);
        const std::vector<std::string_view> inside = names_behind(names, part);
        const std::size_t before = known_behind(whole, inside.size(), part + ".");
        if (fit_of(inside, path).known <= before) continue;
        done.push_back(part + ".");
        covered += before;
        std::ranges::move(models_in(path, inside, deepest - 1), std::back_inserter(models));
      }
      if (covered == whole.known && !models.empty()) return models;
    }
    models.clear();
    if (whole.known > 0) models.push_back({entry, std::move(whole)});
    return models;
  }

  NamingFit fit_of(const std::vector<std::string_view>& names, std::string_view entry) const {
    return best_fit(names, all_.metadata(), naming_, all_.groups().empty() ? "" : entry);
  }

  static bool leaves_of_its_own(const NamingFit& fit) {
    return std::ranges::any_of(fit.unknown, [&](std::string_view name) {
      return name.find('.') != std::string_view::npos && fit.groups.contains(group_of(name));
    });
  }

  static std::size_t known_behind(const NamingFit& fit, std::size_t names,
                                  const std::string& begin) {
    if (fit.known == 0) return 0;
    const auto inside = [&](std::string_view name) { return name.starts_with(begin); };
    return names - static_cast<std::size_t>(std::ranges::count_if(fit.unknown, inside));
  }

  std::set<std::string> candidates(const std::vector<std::string_view>& names) {
    constexpr std::size_t most = 256;
    std::set<std::string> found = entry_candidates(names);
    tried_ += found.size();
    if (tried_ <= most) return found;
    std::set<std::string> top;
    for (const StoredTensor& tensor : all_.tensors()) top.insert(printable(group_of(tensor.name)));
    refuse_file(all_.label(), "has more than ", most,
                " parts that may be models; choose one with entry, in ",
                listed({top.begin(), top.end()}, 8));
  }

  const TensorSource& all_;
  std::string_view naming_;
  std::size_t tried_ = 0;  // in all, so that no file makes this take long
};

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
      refuse_file(all.label(), "holds several models; choose one with entry: 'model' 'state_dict'");
    }
    entry = model ? "model" : state ? "state_dict" : "";
  }
  EntrySearch search(all, naming);
  std::vector<EntryNames> models = search.models_in(entry);
  if (models.empty() && !asked.empty()) refuse_names(all.select(asked), naming);
  if (models.empty() && !entry.empty()) models = search.models_in("");
  if (models.empty()) refuse_names(all, naming);
  if (models.size() > 1) {
    std::string names;
    constexpr std::size_t shown_models = 8;
    for (std::size_t i = 0; i < models.size() && i < shown_models; ++i) {
      names += concat(" ", in_quotes(models[i].entry));
    }
    if (models.size() > shown_models) {
      names += concat(" and ", models.size() - shown_models, " more");
    }
    refuse_file(all.label(), "holds several models; choose one with entry:", names);
  }
  EntryNames& only = models[0];
  if (only.entry.empty()) return {"", all, std::move(only.fit)};
  TensorSource source = all.select(only.entry);
  const std::string_view held_by = all.groups().empty() ? "" : std::string_view(only.entry);
  NamingFit fit = best_fit(names_in(source), source.metadata(), naming, held_by);
  return {std::move(only.entry), std::move(source), std::move(fit)};
}

}  // namespace tessera::io::detail
