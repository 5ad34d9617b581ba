#pragma once

#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tessera/io/naming.hpp"
#include "tessera/io/tensor_source.hpp"

namespace tessera::io {

/// A tensor of a checkpoint by our name, put together from the tensors of the file.
struct CheckpointTensor {
  std::string name;  ///< "encoder.blocks.0.attn.qkv.weight"
  std::vector<Index> shape;
  Dtype dtype = Dtype::f32;
  std::vector<std::string> stored;  ///< names in the file; several: row blocks, in order
};

namespace detail {

/// Without what wrappers for several processors and compilers put into names.
inline std::string unwrapped(std::string_view name) {
  std::string plain = text_of(".", name);
  for (const std::string_view wrapper : {".module.", "._orig_mod."}) {
    for (std::size_t at = plain.find(wrapper); at != std::string::npos; at = plain.find(wrapper)) {
      plain.erase(at, wrapper.size() - 1);
    }
  }
  return plain.substr(1);
}

inline std::string group_of(std::string_view name) {
  return std::string(name.substr(0, name.find('.')));
}

/// What a naming makes of the names of a file.
struct NamingFit {
  const Naming* naming = nullptr;
  std::map<std::string, std::vector<std::pair<TableName, std::string>>> ours;  // by our name
  std::vector<std::string> heads;
  std::vector<std::string> unknown;
  std::set<std::string> groups;         ///< what stands before the first dot of known names
  std::vector<std::string_view> equal;  ///< other namings that explain as much
  std::size_t known = 0;
};

inline NamingFit fit_naming(const Naming& naming, const TensorSource& source) {
  const NameReader reader(naming);
  NamingFit fit;
  fit.naming = &naming;
  bool encoder = false;
  bool block = false;
  for (const StoredTensor& tensor : source.tensors()) {
    const std::string plain = unwrapped(tensor.name);
    if (const std::optional<TableName> ours = reader.find(plain)) {
      encoder = encoder || ours->name.starts_with("encoder.");
      block = block || ours->name.find("blocks.0.") != std::string::npos;
      fit.ours[ours->name].push_back({*ours, tensor.name});
    } else if (reader.is_head(plain)) {
      fit.heads.push_back(tensor.name);
    } else {
      fit.unknown.push_back(tensor.name);
      continue;
    }
    fit.groups.insert(group_of(tensor.name));
    ++fit.known;
  }
  // A decoder has blocks and positions like an encoder's, but embeds no patches; what has no block
  // is neither.
  if (!block || (encoder && !fit.ours.contains("encoder.patch_embed.proj.weight"))) fit.known = 0;
  return fit;
}

/// Our own files name everything as the model does; the metadata tells which model.
inline NamingFit fit_own_naming(const TensorSource& source) {
  const auto kind = source.metadata().find("tessera.kind");
  const std::string prefix = kind == source.metadata().end() ? ""
                             : kind->second == "encoder"     ? "encoder."
                             : kind->second == "decoder"     ? "decoder."
                                                             : "";
  NamingFit fit;
  for (const StoredTensor& tensor : source.tensors()) {
    fit.ours[prefix + tensor.name].push_back({{prefix + tensor.name}, tensor.name});
    ++fit.known;
  }
  return fit;
}

/// The naming that explains most names, or the one called `forced`. `entry` is what held the
/// tensors in a torch file. Explains none (`known` is 0) where no naming does.
inline NamingFit best_fit(const TensorSource& source, std::string_view forced,
                          std::string_view entry) {
  const auto stated = source.metadata().find("tessera.naming");
  const std::string_view hint =
      stated == source.metadata().end() ? std::string_view() : stated->second;
  if (forced == own_naming || (forced.empty() && hint == own_naming)) {
    return fit_own_naming(source);
  }
  if (!forced.empty()) return fit_naming(find_naming(forced), source);
  NamingFit best;
  bool best_preferred = false;
  std::vector<std::string_view> equal;
  for (const Naming& naming : namings) {
    NamingFit fit = fit_naming(naming, source);
    // The MAE code's encoder has timm's names; it calls the entry "model" and has no head.
    const bool preferred = naming.id == hint || (hint.empty() && naming.id == "mae" &&
                                                 entry == "model" && best.heads.empty());
    if (fit.known > best.known) equal.clear();
    if (fit.known > 0 && fit.known >= best.known) equal.push_back(naming.id);
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
  if (!forced.empty()) fail(source.label(), "has no names of naming ", forced);
  std::string known;
  for (const Naming& naming : namings) known += text_of(" ", naming.id);
  const std::string first =
      source.tensors().empty() ? "no tensor" : name_text(source.tensors()[0].name);
  fail(source.label(), "has names of no known model (the first is ", first, "); known namings are",
       known);
}

/// Puts the parts of a tensor together. Throws unless all are there and fit.
inline CheckpointTensor joined(const TensorSource& source, const std::string& name,
                               std::vector<std::pair<TableName, std::string>> parts) {
  std::sort(parts.begin(), parts.end(),
            [](const auto& a, const auto& b) { return a.first.part < b.first.part; });
  const StoredTensor& first = source.tensor(parts[0].second);
  CheckpointTensor tensor{name, first.shape, first.dtype, {}};
  for (std::size_t i = 0; i < parts.size(); ++i) {
    const auto& [ours, stored] = parts[i];
    if (i > 0 && ours.part == parts[i - 1].first.part) {
      fail(source.label(), "tensor ", name_text(stored), ": stands for ", name, ", as ",
           name_text(parts[i - 1].second), " does");
    }
    tensor.stored.push_back(stored);
  }
  const Index wanted = parts[0].first.parts;
  if (static_cast<Index>(parts.size()) != wanted) {
    fail(source.label(), "tensor ", name_text(parts[0].second), ": is one of ", wanted,
         " parts of ", name, ", but the file has only ", parts.size());
  }
  for (std::size_t i = 1; i < parts.size(); ++i) {
    const StoredTensor& next = source.tensor(tensor.stored[i]);
    if (first.shape.empty() || next.shape.size() != first.shape.size() ||
        !std::equal(next.shape.begin() + 1, next.shape.end(), first.shape.begin() + 1)) {
      fail(source.label(), "tensor ", name_text(next.name), ": shape ",
           std::span<const Index>(next.shape), " cannot be joined with ",
           std::span<const Index>(first.shape), " of ", name_text(first.name));
    }
    tensor.shape[0] += next.shape[0];
  }
  return tensor;
}

}  // namespace detail

}  // namespace tessera::io
