#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tessera/io/checkpoint/data.hpp"
#include "tessera/io/checkpoint/find_entry.hpp"
#include "tessera/io/checkpoint/hyperparameters.hpp"
#include "tessera/io/file/fail.hpp"
#include "tessera/io/tensors/metadata.hpp"

namespace tessera::io::detail {

// Files of save_weights hold a model of Tessera's, or a module of one's own whose members may be
// such models. Their metadata say which: "tessera.kind" of the whole, "tessera.at.PATH.kind" of a
// member.

inline std::optional<ModelKind> stated_kind(const TensorMetadata& metadata,
                                            const std::string& entry) {
  const std::string name = metadata_text(metadata, metadata_root(entry) + "kind");
  for (const ModelKind kind : {ModelKind::encoder, ModelKind::mae, ModelKind::ijepa,
                               ModelKind::decoder, ModelKind::predictor}) {
    if (name == kind_name(kind)) return kind;
  }
  return std::nullopt;
}

/// The kind of model whose tensors have these names in a file of our own.
inline ModelKind kind_by_names(const TensorSource& source) {
  if (source.contains("patch_embed.proj.weight")) return ModelKind::encoder;
  if (source.contains("encoder.patch_embed.proj.weight")) {
    if (source.contains("decoder_embed.weight")) return ModelKind::mae;
    if (source.contains("predictor_embed.weight")) return ModelKind::ijepa;
    return ModelKind::other;
  }
  const bool stack = source.contains("pos_embed") && source.contains("blocks.0.norm1.weight");
  return stack ? ModelKind::decoder : ModelKind::other;
}

/// The members of a saved module that are models: those that its metadata name, else those that
/// embed patches.
inline std::vector<std::string> own_models(const TensorSource& all) {
  std::set<std::string> found;
  const std::string root = "tessera.at.";
  const std::string ending = ".kind";
  for (const auto& [key, value] : all.metadata()) {
    if (!key.starts_with(root) || !key.ends_with(ending)) continue;
    if (key.size() <= root.size() + ending.size()) continue;
    found.insert(key.substr(root.size(), key.size() - root.size() - ending.size()));
  }
  if (!found.empty()) return {found.begin(), found.end()};
  const std::string embedding = ".patch_embed.proj.weight";
  for (const StoredTensor& tensor : all.tensors()) {
    if (!tensor.name.ends_with(embedding)) continue;
    std::string path = tensor.name.substr(0, tensor.name.size() - embedding.size());
    for (const std::string_view encoder : {"target_encoder", "encoder"}) {
      if (!path.ends_with(encoder)) continue;
      const std::string around = path.substr(0, path.size() - encoder.size());
      const bool has_more = all.contains(around + "decoder_embed.weight") ||
                            all.contains(around + "predictor_embed.weight");
      if (has_more) path = around.substr(0, around.empty() ? 0 : around.size() - 1);
      break;
    }
    if (!path.empty()) found.insert(path);
  }
  return {found.begin(), found.end()};
}

/// The part of a file of our own that was asked for, or all of it; where its metadata tell a model
/// that does not stand at the top, the only part that is one: "model" beside "optimizer".
inline EntryFit find_own_entry(const TensorSource& all, const std::string& asked) {
  if (all.tensors().empty()) refuse_file(all.label(), "holds no tensors");
  std::string entry = asked;
  if (entry.empty() && stated_kind(all.metadata(), "") && kind_by_names(all) == ModelKind::other) {
    const std::vector<std::string> models = own_models(all);
    if (models.size() == 1) entry = models[0];
  }
  if (entry.empty()) {
    const ModelKind kind = stated_kind(all.metadata(), "").value_or(ModelKind::other);
    return {"", all, fit_own_naming(kind, names_in(all))};
  }
  TensorSource part = all.select(entry);
  const ModelKind kind = stated_kind(all.metadata(), entry).value_or(kind_by_names(part));
  NamingFit fit = fit_own_naming(kind, names_in(part));
  return {std::move(entry), std::move(part), std::move(fit)};
}

}  // namespace tessera::io::detail
