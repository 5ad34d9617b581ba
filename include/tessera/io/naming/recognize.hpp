#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tessera/core/error.hpp"
#include "tessera/io/file/fail.hpp"
#include "tessera/io/naming/translate.hpp"
#include "tessera/io/source/tensor_source.hpp"
#include "tessera/io/tensors/metadata.hpp"
#include "tessera/io/text/printable.hpp"

namespace tessera::io {

/// A tensor of a checkpoint by our name, put together from the tensors of the file.
struct CheckpointTensor {
  std::string name;  ///< "encoder.blocks.0.attn.qkv.weight"
  std::vector<Index> shape;
  Dtype dtype = Dtype::f32;
  std::vector<std::string> stored;  ///< names in the file; several: row blocks, in order
};

namespace detail {

/// Without what wrappers for several processors, compilers and chunks of blocks put into names:
/// "module.blocks.0.3.norm1.weight" is "blocks.3.norm1.weight".
inline std::string unwrapped(std::string_view name) {
  const auto is_number = [](std::string_view part) {
    return !part.empty() && part.find_first_not_of("0123456789") == std::string_view::npos;
  };
  std::string plain;
  plain.reserve(name.size());
  std::string_view before;
  std::size_t begin = 0;
  for (std::size_t dot = name.find('.'); dot != std::string_view::npos;
       dot = name.find('.', begin)) {
    const std::string_view part = name.substr(begin, dot - begin);
    begin = dot + 1;
    // DINOv2 trains blocks in chunks: the second number counts through all of them.
    const bool chunk = before == "blocks" && is_number(part) &&
                       is_number(name.substr(begin, name.find('.', begin) - begin));
    if (chunk || part == "module" || part == "_orig_mod") continue;
    plain.append(part).push_back('.');
    before = part;
  }
  return plain.append(name.substr(begin));
}

inline std::string group_of(std::string_view name) {
  return std::string(name.substr(0, name.find('.')));
}

/// A tensor of the file, or one part of the rows of one of ours.
struct StoredPart {
  std::string_view stored;
  Index part = 0;
  Index parts = 1;
};

/// What a naming makes of the names of a file, which it views.
struct NamingFit {
  const Naming* naming = nullptr;
  std::map<std::string, std::vector<StoredPart>> ours;  ///< by our name
  std::vector<std::string_view> heads;
  std::vector<std::string_view> unknown;
  std::set<std::string> groups;         ///< what stands before the first dot of known names
  std::vector<std::string_view> equal;  ///< other namings that explain as much
  std::size_t known = 0;
};

inline std::vector<std::string_view> names_in(const TensorSource& source) {
  std::vector<std::string_view> names;
  names.reserve(source.tensors().size());
  for (const StoredTensor& tensor : source.tensors()) names.push_back(tensor.name);
  return names;
}

/// `plain` holds the names without what wrappers put into them.
inline NamingFit fit_naming(const Naming& naming, const std::vector<std::string_view>& names,
                            const std::vector<std::string>& plain) {
  const NameReader reader(naming);
  NamingFit fit;
  fit.naming = &naming;
  bool encoder = false;
  bool patches = false;
  bool block = false;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (const std::optional<TableName> ours = reader.find(plain[i])) {
      encoder = encoder || ours->name.starts_with("encoder.");
      patches = patches || ours->name.starts_with("encoder.patch_embed.");
      block = block || ours->name.find("blocks.0.") != std::string::npos;
      fit.ours[ours->name].push_back({names[i], ours->part, ours->parts});
    } else if (reader.is_head(plain[i])) {
      fit.heads.push_back(names[i]);
    } else {
      fit.unknown.push_back(names[i]);
      continue;
    }
    fit.groups.insert(group_of(names[i]));
    ++fit.known;
  }
  // A decoder has blocks and positions like an encoder's, but embeds no patches; what has no block
  // is neither. An encoder that lacks the weight alone is one that is not whole.
  if (!block || (encoder && !patches)) fit.known = 0;
  return fit;
}

/// Our own files name everything as the model does; the metadata tells which model.
inline NamingFit fit_own_naming(const TensorMetadata& metadata,
                                const std::vector<std::string_view>& names) {
  const auto kind = metadata.find("tessera.kind");
  const std::string_view prefix = kind == metadata.end()      ? ""
                                  : kind->second == "encoder" ? "encoder."
                                  : kind->second == "decoder" ? "decoder."
                                                              : "";
  NamingFit fit;
  for (const std::string_view name : names) fit.ours[concat(prefix, name)].push_back({name});
  fit.known = names.size();
  return fit;
}

/// Whether some model that the naming can write has no names but these: a model of another code may
/// have the same names and fewer.
inline bool could_be(const Naming& naming, const NamingFit& fit) {
  unsigned layouts = Layout::none;
  for (const NameSection& section : naming.sections) layouts |= section.written_for;
  std::vector<std::string> ours;
  for (const auto& [name, parts] : fit.ours) ours.push_back(name);
  for (unsigned layout = 1; layout <= layouts; layout *= 2) {
    if ((layouts & layout) != 0 && NameWriter(naming, layout).first_missing(ours).empty()) {
      return true;
    }
  }
  return false;
}

/// The naming that explains most of the names, or the one called `forced`. `entry` is what held
/// them in a torch file. Explains none (`known` is 0) where no naming does.
inline NamingFit best_fit(const std::vector<std::string_view>& names,
                          const TensorMetadata& metadata, std::string_view forced,
                          std::string_view entry) {
  const auto stated = metadata.find("tessera.naming");
  const std::string_view hint =
      stated == metadata.end() ? std::string_view() : std::string_view(stated->second);
  if (forced == own_naming || (forced.empty() && hint == own_naming)) {
    return fit_own_naming(metadata, names);
  }
  std::vector<std::string> plain;
  plain.reserve(names.size());
  for (const std::string_view name : names) plain.push_back(unwrapped(name));
  if (!forced.empty()) return fit_naming(find_naming(forced), names, plain);
  NamingFit best;
  bool best_preferred = false;
  std::vector<std::string_view> equal;
  for (const Naming& naming : namings) {
    NamingFit fit = fit_naming(naming, names, plain);
    // The MAE code's encoder has timm's names; it calls the entry "model" and has no head.
    const bool preferred = naming.id == hint || (hint.empty() && naming.id == "mae" &&
                                                 entry == "model" && best.heads.empty());
    if (fit.known > best.known) equal.clear();
    if (fit.known > 0 && fit.known >= best.known && could_be(naming, fit)) {
      equal.push_back(naming.id);
    }
    if (fit.known > best.known || (fit.known == best.known && preferred && !best_preferred)) {
      best_preferred = preferred;
      best = std::move(fit);
    }
  }
  if (hint.empty() && best.naming != nullptr) {
    std::erase(equal, best.naming->id);
    best.equal = std::move(equal);
  }
  return best;
}

/// For a file whose names no naming explains. Throws std::runtime_error.
[[noreturn]] inline void refuse_names(const TensorSource& source, std::string_view forced) {
  if (source.tensors().empty()) refuse_file(source.label(), "holds no tensors");
  if (!forced.empty()) refuse_file(source.label(), "has no names of naming ", forced);
  std::string known;
  for (const Naming& naming : namings) known += concat(" ", naming.id);
  refuse_file(source.label(), "has names of no known model (the first is ",
              in_quotes(source.tensors()[0].name), "); known namings are", known);
}

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

}  // namespace detail

}  // namespace tessera::io
