#pragma once

#include <algorithm>
#include <iterator>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

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

/// The beginnings of names of a first block, up to four parts deep: "teacher.backbone". An
/// optimizer's state, or whatever else a training checkpoint holds, has none.
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
    constexpr int levels = 2;  // of parts within parts
    return models_in(entry, names_behind(names_in(all_), entry), levels);
  }

 private:
  /// The models in an entry: it as a whole, or the parts of it that are better explained alone, as
  /// an encoder with a class token under "encoder" is not the I-JEPA that it may look like.
  std::vector<EntryNames> models_in(const std::string& entry,
                                    const std::vector<std::string_view>& names, int levels) {
    NamingFit whole = fit_of(names, entry);
    const bool doubtful = whole.known == 0 || (levels > 0 && leaves_of_its_own(whole));
    if (doubtful) {
      Parts parts = better_parts(entry, names, whole, levels);
      const bool nothing_lost = parts.explained_by_whole == whole.known;
      if (!parts.models.empty() && nothing_lost) return std::move(parts.models);
    }
    std::vector<EntryNames> models;
    if (whole.known > 0) models.push_back({entry, std::move(whole)});
    return models;
  }

  struct Parts {
    std::vector<EntryNames> models;
    std::size_t explained_by_whole = 0;  ///< how many of their names the whole explained
  };

  /// The parts of an entry that are explained better alone than within the whole.
  Parts better_parts(const std::string& entry, const std::vector<std::string_view>& names,
                     const NamingFit& whole, int levels) {
    Parts found;
    std::vector<std::string> taken;                      // with a dot behind each
    for (const std::string& part : candidates(names)) {  // "a" before "a.b"
      const auto holds_it = [&](const std::string& outer) { return part.starts_with(outer); };
      if (std::ranges::any_of(taken, holds_it)) continue;
      const std::string path = entry.empty() ? part : concat(entry, ".", part);
      const std::vector<std::string_view> inside = names_behind(names, part);
      const std::size_t before = known_behind(whole, inside.size(), part + ".");
      if (fit_of(inside, path).known <= before) continue;
      taken.push_back(part + ".");
      found.explained_by_whole += before;
      std::ranges::move(models_in(path, inside, levels - 1), std::back_inserter(found.models));
    }
    return found;
  }

  NamingFit fit_of(const std::vector<std::string_view>& names, std::string_view entry) const {
    return best_fit(names, all_.metadata(), naming_, all_.groups().empty() ? "" : entry);
  }

  /// True if a module of the model holds tensors that the naming does not know.
  static bool leaves_of_its_own(const NamingFit& fit) {
    return std::ranges::any_of(fit.unknown, [&](std::string_view name) {
      return name.find('.') != std::string_view::npos && fit.groups.contains(group_of(name));
    });
  }

  /// Of so many names that begin so, those that a fit explains.
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

/// "'a' 'b' and 3 more".
inline std::string entries_text(const std::vector<std::string>& entries) {
  constexpr std::size_t most = 8;
  std::string text;
  for (std::size_t i = 0; i < entries.size() && i < most; ++i) {
    text += concat(i == 0 ? "" : " ", in_quotes(entries[i]));
  }
  if (entries.size() > most) text += concat(" and ", entries.size() - most, " more");
  return text;
}

/// The entries of a file that are models, but for one. Costs a search, and so is for errors alone.
inline std::vector<std::string> other_models(const TensorSource& all, std::string_view naming,
                                             std::string_view but_for) {
  std::vector<std::string> found;
  try {
    EntrySearch search(all, naming);
    std::set<std::string> tops;
    for (const StoredTensor& tensor : all.tensors()) tops.insert(group_of(tensor.name));
    if (search.models_in("").size() == 1 && but_for.empty()) return found;
    for (const std::string& top : tops) {
      for (const EntryNames& model : EntrySearch(all, naming).models_in(top)) {
        if (model.entry != but_for) found.push_back(model.entry);
      }
    }
  } catch (const std::runtime_error&) {  // too much to choose from: nothing to suggest
  }
  return found;
}

/// The entry to begin with: what was asked for, or "model" or "state_dict" if there is such.
inline std::string first_entry(const TensorSource& all, const std::string& asked) {
  if (!asked.empty()) return asked;
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
  const bool model = is_entry("model");
  const bool state = is_entry("state_dict");
  if (model && state) {
    refuse_file(all.label(), "holds several models; choose one with entry: 'model' 'state_dict'");
  }
  return model ? "model" : state ? "state_dict" : "";
}

/// The entry asked for; else "model" or "state_dict"; else the whole file; else the only part that
/// makes a model. Throws std::runtime_error naming the file, and the entries if there are several.
inline EntryFit find_entry(const TensorSource& all, const std::string& asked,
                           std::string_view naming) {
  const std::string entry = first_entry(all, asked);
  EntrySearch search(all, naming);
  std::vector<EntryNames> models = search.models_in(entry);
  if (models.empty() && !asked.empty()) {
    const TensorSource part = all.select(asked);  // says so if there is nothing
    const std::vector<std::string> others = other_models(all, naming, "");
    if (!others.empty()) {
      refuse_file(all.label(), "has names of no known model in entry ", in_quotes(asked),
                  "; entries that are models: ", entries_text(others));
    }
    refuse_names(part, naming);
  }
  if (models.empty() && !entry.empty()) models = search.models_in("");
  if (models.empty()) refuse_names(all, naming);
  if (models.size() > 1) {
    std::vector<std::string> entries;
    for (const EntryNames& model : models) entries.push_back(model.entry);
    refuse_file(all.label(),
                "holds several models; choose one with entry: ", entries_text(entries));
  }
  EntryNames& only = models[0];
  if (only.entry.empty()) return {"", all, std::move(only.fit)};
  TensorSource source = all.select(only.entry);
  const std::string_view held_by = all.groups().empty() ? "" : std::string_view(only.entry);
  NamingFit fit = best_fit(names_in(source), source.metadata(), naming, held_by);
  return {std::move(only.entry), std::move(source), std::move(fit)};
}

}  // namespace tessera::io::detail
