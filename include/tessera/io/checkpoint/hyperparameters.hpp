#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "tessera/io/checkpoint/model_names.hpp"
#include "tessera/io/tensors/metadata.hpp"
#include "tessera/io/text/json_text.hpp"

namespace tessera::io {

/// Settings of a model that show in no tensor; without them the weights would fit and be wrong.
/// Files of Tessera carry them as metadata.
struct Hyperparameters {
  std::optional<Index> num_heads = std::nullopt;
  std::optional<Index> decoder_num_heads = std::nullopt;
  std::optional<Size> image_size = std::nullopt;
  std::optional<Size> decoder_grid = std::nullopt;  ///< in patches
  std::optional<double> layer_norm_eps = std::nullopt;
  std::optional<bool> norm_pix_loss = std::nullopt;
  std::optional<GlobalPool> global_pool = std::nullopt;
  std::optional<kernels::Bicubic> resampling = std::nullopt;
  std::optional<Activation> activation = std::nullopt;
};

constexpr std::string_view pool_name(GlobalPool pool) {
  return pool == GlobalPool::avg ? "avg" : "token";
}

constexpr std::string_view activation_name(Activation activation) {
  return activation == Activation::swiglu      ? "swiglu"
         : activation == Activation::gelu_tanh ? "gelu_tanh"
                                               : "gelu";
}

namespace detail {

template <class Model>
Hyperparameters hyperparameters_of(const Model& model) {
  Hyperparameters facts;
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
    facts.activation = encoder->config.activation;
  }
  if constexpr (ModelNames<Model>::kind == ModelKind::mae) {
    facts.norm_pix_loss = model.norm_pix_loss;
  }
  return facts;
}

/// Where the metadata of a model begin that is the whole of a file, or the member of a module that
/// stands at a dotted path: "tessera." or "tessera.at.backbone.".
inline std::string metadata_root(std::string_view path = "") {
  return path.empty() ? "tessera." : concat("tessera.at.", path, ".");
}

inline TensorMetadata to_metadata(const Hyperparameters& facts,
                                  const std::string& root = metadata_root()) {
  TensorMetadata metadata;
  const auto add = [&](std::string_view key, std::string text) {
    metadata[concat(root, key)] = std::move(text);
  };
  const auto add_size = [&](std::string_view key, const std::optional<Size>& size) {
    if (!size) return;
    add(concat(key, "_height"), std::to_string(size->height));
    add(concat(key, "_width"), std::to_string(size->width));
  };
  if (facts.num_heads) add("num_heads", std::to_string(*facts.num_heads));
  if (facts.decoder_num_heads) add("decoder_num_heads", std::to_string(*facts.decoder_num_heads));
  add_size("image", facts.image_size);
  add_size("grid", facts.decoder_grid);
  if (facts.layer_norm_eps) add("layer_norm_eps", number_text(*facts.layer_norm_eps));
  if (facts.norm_pix_loss) add("norm_pix_loss", *facts.norm_pix_loss ? "1" : "0");
  if (facts.global_pool) add("global_pool", std::string(pool_name(*facts.global_pool)));
  if (facts.resampling) {
    add("resampling", *facts.resampling == kernels::Bicubic::plain ? "plain" : "antialias");
  }
  // The plain GELU is what a file means that says nothing; SwiGLU shows in the tensors.
  if (facts.activation == Activation::gelu_tanh) add("activation", "gelu_tanh");
  return metadata;
}

/// Reads back from a file what to_metadata wrote; nothing for what is not there or cannot be read.
inline Hyperparameters hyperparameters_in(const TensorMetadata& metadata,
                                          const std::string& root = metadata_root()) {
  Hyperparameters facts{.num_heads = metadata_index(metadata, root + "num_heads"),
                        .decoder_num_heads = metadata_index(metadata, root + "decoder_num_heads"),
                        .image_size = metadata_size(metadata, root + "image"),
                        .decoder_grid = metadata_size(metadata, root + "grid"),
                        .layer_norm_eps = metadata_number(metadata, root + "layer_norm_eps"),
                        .norm_pix_loss = metadata_flag(metadata, root + "norm_pix_loss")};
  const std::string pool = metadata_text(metadata, root + "global_pool");
  if (pool == "avg") facts.global_pool = GlobalPool::avg;
  if (pool == "token") facts.global_pool = GlobalPool::token;
  const std::string filter = metadata_text(metadata, root + "resampling");
  if (filter == "plain") facts.resampling = kernels::Bicubic::plain;
  if (filter == "antialias") facts.resampling = kernels::Bicubic::antialias;
  if (metadata_text(metadata, root + "activation") == "gelu_tanh") {
    facts.activation = Activation::gelu_tanh;
  }
  return facts;
}

/// The settings that a checkpoint's metadata have for its model: those of the entry, if it is a
/// member of a saved module.
inline Hyperparameters read_hyperparameters(const TensorMetadata& metadata,
                                            const std::string& entry) {
  const std::string root = metadata_root(entry);
  return hyperparameters_in(metadata, metadata.contains(root + "kind") ? root : metadata_root());
}

}  // namespace detail
}  // namespace tessera::io
