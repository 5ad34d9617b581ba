#pragma once

#include <algorithm>
#include <array>
#include <compare>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tessera/io/file/fail.hpp"
#include "tessera/io/naming/foreign.hpp"
#include "tessera/io/naming/translate.hpp"
#include "tessera/io/source/tensor_source.hpp"
#include "tessera/io/tensors/metadata.hpp"
#include "tessera/io/text/printable.hpp"

namespace tessera::io {

namespace detail {

/// Modules that hold another for several processors, a compiler or gradient checkpointing. Their
/// names may stand anywhere in the name of a tensor.
inline constexpr auto wrapper_modules =
    std::to_array<std::string_view>({"module", "_orig_mod", "_fsdp_wrapped_module", "_fpw_module",
                                     "_checkpoint_wrapped_module", "_forward_module"});

/// A name without wrappers and chunks of blocks: "module.blocks.0.3.norm1.weight" is
/// "blocks.3.norm1.weight". The last part of a name is a parameter, never a wrapper.
inline std::string unwrapped(std::string_view name) {
  const auto is_number = [](std::string_view part) {
    return !part.empty() && part.find_first_not_of("0123456789") == std::string_view::npos;
  };
  std::string plain;
  plain.reserve(name.size());
  std::string_view before;       // the last part that was kept
  bool number_of_chunk = false;  // it is the first number behind "blocks"
  for (std::size_t begin = 0; begin <= name.size();) {
    const std::size_t dot = std::min(name.find('.', begin), name.size());
    const std::string_view part = name.substr(begin, dot - begin);
    const bool last = dot == name.size();
    begin = dot + 1;
    if (!last && std::ranges::count(wrapper_modules, part) > 0) continue;
    // DINOv2 trains blocks in chunks: the second number counts through all of them.
    if (number_of_chunk && is_number(part)) plain.resize(plain.size() - before.size() - 1);
    number_of_chunk = before == "blocks" && is_number(part);
    before = part;
    plain.append(part);
    if (!last) plain.push_back('.');
  }
  return plain;
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

/// The names of a file as a naming explains them; it views them.
struct NamingFit {
  const Naming* naming = nullptr;
  std::map<std::string, std::vector<StoredPart>> ours;  ///< by our name
  std::vector<std::string_view> heads;
  std::vector<std::string_view> unknown;
  std::set<std::string> groups;         ///< what stands before the first dot of known names
  std::vector<std::string_view> equal;  ///< other namings that explain as much
  std::size_t known = 0;
  std::size_t usual = 0;  ///< of those known, names that the code itself writes
  bool at_root = true;    ///< no module of theirs holds the encoder
};

inline std::vector<std::string_view> names_in(const TensorSource& source) {
  std::vector<std::string_view> names;
  names.reserve(source.tensors().size());
  for (const StoredTensor& tensor : source.tensors()) names.push_back(tensor.name);
  return names;
}

inline std::vector<std::string> unwrapped_names(const std::vector<std::string_view>& names) {
  std::vector<std::string> plain;
  plain.reserve(names.size());
  for (const std::string_view name : names) plain.push_back(unwrapped(name));
  return plain;
}

/// True if some of our names begin so.
inline bool has_part(const NamingFit& fit, std::string_view begin) {
  const auto found = fit.ours.lower_bound(std::string(begin));
  return found != fit.ours.end() && found->first.starts_with(begin);
}

/// MAE's code calls the mask token of its decoder `mask_token`. Without a block of a decoder it is
/// an encoder's.
inline void give_mask_token_to_encoder(NamingFit& fit) {
  const auto token = fit.ours.find("decoder.mask_token");
  if (token == fit.ours.end() || has_part(fit, "decoder.blocks.")) return;
  if (!has_part(fit, "encoder.") || fit.ours.contains("encoder.mask_token")) return;
  auto node = fit.ours.extract(token);
  node.key() = "encoder.mask_token";
  fit.ours.insert(std::move(node));
  --fit.usual;
}

/// Beside a decoder that the naming does not know, `mask_token` is that decoder's: an encoder's has
/// no name of its own in such code.
inline void leave_mask_token_to_decoder(NamingFit& fit) {
  const auto token = fit.ours.find("encoder.mask_token");
  if (token == fit.ours.end() || token->second[0].stored != "mask_token") return;
  const bool beside_decoder = std::ranges::any_of(
      fit.unknown, [](std::string_view name) { return name.starts_with("decoder_"); });
  if (!beside_decoder) return;
  fit.unknown.push_back(token->second[0].stored);
  fit.ours.erase(token);
  --fit.known;
}

/// `plain` holds the names without what wrappers put into them.
inline NamingFit fit_naming(const Naming& naming, const std::vector<std::string_view>& names,
                            const std::vector<std::string>& plain) {
  const NameReader reader(naming);
  NamingFit fit;
  fit.naming = &naming;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (const std::optional<TableName> ours = reader.find(plain[i])) {
      fit.ours[ours->name].push_back({names[i], ours->part, ours->parts});
      if (!ours->read_only) ++fit.usual;
      const bool embeds = ours->name.find("encoder.patch_embed.") != std::string::npos;
      if (embeds && !ours->at_root) fit.at_root = false;
    } else if (reader.is_head(plain[i])) {
      fit.heads.push_back(names[i]);
      ++fit.usual;
    } else {
      fit.unknown.push_back(names[i]);
      continue;
    }
    fit.groups.insert(group_of(names[i]));
    ++fit.known;
  }
  give_mask_token_to_encoder(fit);
  leave_mask_token_to_decoder(fit);
  // A decoder has blocks and positions like an encoder's, but embeds no patches; what has no block
  // is neither. An encoder that lacks the weight alone is one that is not whole.
  const bool block = std::ranges::any_of(
      fit.ours, [](const auto& item) { return item.first.find("blocks.0.") != std::string::npos; });
  const bool headless = has_part(fit, "encoder.") && !has_part(fit, "encoder.patch_embed.");
  if (!block || headless) fit.known = 0;
  return fit;
}

/// Our own files name everything as the model does. `kind` is what they hold: an encoder or a
/// decoder alone has no module of that name around it.
inline NamingFit fit_own_naming(ModelKind kind, const std::vector<std::string_view>& names) {
  const std::string_view prefix = kind == ModelKind::encoder   ? "encoder."
                                  : kind == ModelKind::decoder ? "decoder."
                                                               : "";
  NamingFit fit;
  for (const std::string_view name : names) fit.ours[concat(prefix, name)].push_back({name});
  fit.known = names.size();
  return fit;
}

/// True of a file of save_weights, or one that is to be read as such.
inline bool has_own_naming(const TensorMetadata& metadata, std::string_view forced) {
  return forced == own_naming ||
         (forced.empty() && metadata_text(metadata, "tessera.naming") == own_naming);
}

/// True if some model that the naming can write has no names but these: a model of another code may
/// have the same names and fewer.
inline bool could_be(const Naming& naming, const NamingFit& fit) {
  std::vector<std::string> ours;
  for (const auto& [name, parts] : fit.ours) ours.push_back(name);
  return std::ranges::any_of(all_layouts, [&](Layout layout) {
    const bool written = std::ranges::any_of(naming.sections, [&](const NameSection& section) {
      return section.written_for.contains(layout);
    });
    return written && NameWriter(naming, layout).first_missing(ours).empty();
  });
}

/// By what one naming explains a file better than another, most important first.
struct FitRank {
  std::size_t known = 0;      ///< names that it explains
  bool stated = false;        ///< the file's metadata name it
  std::size_t usual = 0;      ///< names that its code writes
  bool entry_of_mae = false;  ///< an encoder's names are timm's; MAE's code keeps them in "model"

  friend auto operator<=>(const FitRank&, const FitRank&) = default;
};

/// The naming that explains the names best (see FitRank), of equal ones the first in `namings`; or
/// the one called `forced`. `entry` is what held the
/// names in a torch file. Explains none (`known` is 0) where no naming does.
inline NamingFit best_fit(const std::vector<std::string_view>& names,
                          const TensorMetadata& metadata, std::string_view forced,
                          std::string_view entry) {
  const std::string hint = metadata_text(metadata, "tessera.naming");
  const std::vector<std::string> plain = unwrapped_names(names);
  if (!forced.empty()) return fit_naming(find_naming(forced), names, plain);
  NamingFit best;
  FitRank best_rank;
  std::vector<std::string_view> equal;
  for (const Naming& naming : namings) {
    NamingFit fit = fit_naming(naming, names, plain);
    if (fit.known == 0 || fit.known < best.known) continue;
    if (fit.known > best.known) equal.clear();
    if (could_be(naming, fit)) equal.push_back(naming.id);
    const FitRank rank{fit.known, naming.id == hint, fit.usual,
                       naming.id == "mae" && entry == "model"};
    if (best_rank < rank) {
      best_rank = rank;
      best = std::move(fit);
    }
  }
  if (hint.empty() && best.naming != nullptr) {
    std::erase(equal, best.naming->id);
    best.equal = std::move(equal);
  }
  return best;
}

/// For a file whose names no naming explains. Throws std::runtime_error that says what the file is,
/// if that is known, or else which namings are.
[[noreturn]] inline void refuse_names(const TensorSource& source, std::string_view forced) {
  if (source.tensors().empty()) refuse_file(source.label(), "holds no tensors");
  if (!forced.empty()) refuse_file(source.label(), "has no names of naming ", forced);
  const std::vector<std::string> plain = unwrapped_names(names_in(source));
  if (const auto foreign = foreign_model(plain, plain)) {
    refuse_file(source.label(), *foreign, "; Tessera has no such model");
  }
  std::string known;
  for (const Naming& naming : namings) known += concat(" ", naming.id);
  refuse_file(source.label(), "has names of no known model (the first is ",
              in_quotes(source.tensors()[0].name), "); known namings are", known);
}

}  // namespace detail

}  // namespace tessera::io
