#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "tessera/io/json_text.hpp"
#include "tessera/io/model_names.hpp"
#include "tessera/io/safetensors_writer.hpp"

namespace tessera::io {

struct SaveOptions {
  std::optional<Dtype> dtype = std::nullopt;  ///< floats are stored as this; unset: as they are
  SafetensorsMetadata metadata = {};          ///< more texts for the file, such as self_test()
};

namespace detail {

/// What a file must say beside its tensors, so that the model can be made from it alone.
template <class Model>
SafetensorsMetadata model_metadata(const Model& model, std::string_view naming) {
  SafetensorsMetadata metadata{{"format", "pt"}, {"tessera.naming", std::string(naming)}};
  if constexpr (ModelNames<Model>::kind != ModelKind::other) {
    metadata["tessera.kind"] = kind_name(ModelNames<Model>::kind);
  }
  if (const auto* encoder = encoder_of(model)) {
    const MaskedVisionTransformerConfig& config = encoder->config;
    metadata["tessera.num_heads"] = std::to_string(config.num_heads);
    metadata["tessera.image_height"] = std::to_string(config.image_size.height);
    metadata["tessera.image_width"] = std::to_string(config.image_size.width);
    metadata["tessera.layer_norm_eps"] = number_text(config.layer_norm_eps);
    metadata["tessera.global_pool"] = config.global_pool == GlobalPool::avg ? "avg" : "token";
  }
  if (const auto* decoder = decoder_of(model)) {
    metadata["tessera.decoder_num_heads"] = std::to_string(decoder->config.num_heads);
    metadata.emplace("tessera.layer_norm_eps", number_text(decoder->config.layer_norm_eps));
    metadata["tessera.grid_height"] = std::to_string(decoder->config.grid.height);
    metadata["tessera.grid_width"] = std::to_string(decoder->config.grid.width);
  }
  if constexpr (ModelNames<Model>::kind == ModelKind::mae) {
    metadata["tessera.norm_pix_loss"] = model.norm_pix_loss ? "1" : "0";
  }
  return metadata;
}

/// Adds it to a file, and what the caller says.
template <class Model>
void add_metadata(SafetensorsWriter& file, const Model& model, std::string_view naming,
                  const SafetensorsMetadata& more) {
  SafetensorsMetadata metadata = model_metadata(model, naming);
  for (const auto& [key, value] : more) metadata[key] = value;
  for (const auto& [key, value] : metadata) file.add_metadata(key, value);
}

}  // namespace detail

/// Writes every parameter of a model, frozen ones included, under the names of its members as a
/// safetensors file, all or nothing (see replace_file). Throws as SafetensorsWriter.
template <Module Model>
void save_weights(const std::filesystem::path& path, const Model& model,
                  const SaveOptions& options = {}) {
  using Scalar = typename Model::scalar_type;
  SafetensorsWriter file;
  for (const auto& parameter : named_parameters(model)) {
    file.add(parameter.name, parameter.shape, parameter.values,
             options.dtype.value_or(dtype_of<Scalar>()));
  }
  detail::add_metadata(file, model, "tessera", options.metadata);
  file.write(path);
}

}  // namespace tessera::io
