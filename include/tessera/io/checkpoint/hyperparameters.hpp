#pragma once

#include <optional>
#include <string>

#include "tessera/io/checkpoint/model_names.hpp"
#include "tessera/io/tensors/metadata.hpp"
#include "tessera/io/text/json_text.hpp"

namespace tessera::io {

/// What shows in no tensor of a model; without it the weights would fit and be wrong. Files of
/// Tessera carry it as metadata.
struct HiddenFacts {
  std::optional<Index> num_heads = std::nullopt;
  std::optional<Index> decoder_num_heads = std::nullopt;
  std::optional<Size> image_size = std::nullopt;
  std::optional<Size> decoder_grid = std::nullopt;  ///< in patches
  std::optional<double> layer_norm_eps = std::nullopt;
  std::optional<bool> norm_pix_loss = std::nullopt;
  std::optional<GlobalPool> global_pool = std::nullopt;
  std::optional<kernels::Bicubic> resampling = std::nullopt;
};

constexpr std::string_view pool_name(GlobalPool pool) {
  return pool == GlobalPool::avg ? "avg" : "token";
}

namespace detail {

template <class Model>
HiddenFacts hidden_facts_of(const Model& model) {
  HiddenFacts facts;
  if (const auto* decoder = decoder_of(model)) {
    facts.decoder_num_heads = decoder->config.num_heads;
    facts.decoder_grid = decoder->config.grid;
    facts.layer_norm_eps = decoder->config.layer_norm_eps;
  }
  if (const auto* encoder = encoder_of(model)) {
    facts.num_heads = encoder->config.num_heads;
    facts.image_size = encoder->config.image_size;
    facts.layer_norm_eps = encoder->config.layer_norm_eps;
    facts.global_pool = encoder->config.global_pool;
    facts.resampling = encoder->config.resampling;
  }
  if constexpr (ModelNames<Model>::kind == ModelKind::mae) {
    facts.norm_pix_loss = model.norm_pix_loss;
  }
  return facts;
}

inline TensorMetadata to_metadata(const HiddenFacts& facts) {
  TensorMetadata metadata;
  const auto add = [&](const std::string& key, const auto& fact, const auto& text) {
    if (fact) metadata["tessera." + key] = text(*fact);
  };
  const auto count = [](Index value) { return std::to_string(value); };
  const auto add_size = [&](const std::string& key, const std::optional<Size>& size) {
    if (!size) return;
    metadata["tessera." + key + "_height"] = std::to_string(size->height);
    metadata["tessera." + key + "_width"] = std::to_string(size->width);
  };
  add("num_heads", facts.num_heads, count);
  add("decoder_num_heads", facts.decoder_num_heads, count);
  add_size("image", facts.image_size);
  add_size("grid", facts.decoder_grid);
  add("layer_norm_eps", facts.layer_norm_eps, [](double value) { return number_text(value); });
  add("norm_pix_loss", facts.norm_pix_loss, [](bool value) { return value ? "1" : "0"; });
  add("global_pool", facts.global_pool, pool_name);
  add("resampling", facts.resampling, [](kernels::Bicubic filter) {
    return filter == kernels::Bicubic::plain ? "plain" : "antialias";
  });
  return metadata;
}

/// What to_metadata wrote; nothing for what is not there or cannot be read.
inline HiddenFacts hidden_facts(const TensorMetadata& metadata) {
  HiddenFacts facts{.num_heads = metadata_index(metadata, "tessera.num_heads"),
                    .decoder_num_heads = metadata_index(metadata, "tessera.decoder_num_heads"),
                    .image_size = metadata_size(metadata, "tessera.image"),
                    .decoder_grid = metadata_size(metadata, "tessera.grid"),
                    .layer_norm_eps = metadata_number(metadata, "tessera.layer_norm_eps"),
                    .norm_pix_loss = metadata_flag(metadata, "tessera.norm_pix_loss")};
  const std::string pool = metadata_text(metadata, "tessera.global_pool");
  if (pool == "avg") facts.global_pool = GlobalPool::avg;
  if (pool == "token") facts.global_pool = GlobalPool::token;
  const std::string filter = metadata_text(metadata, "tessera.resampling");
  if (filter == "plain") facts.resampling = kernels::Bicubic::plain;
  if (filter == "antialias") facts.resampling = kernels::Bicubic::antialias;
  return facts;
}

}  // namespace detail
}  // namespace tessera::io
