#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tessera/io/model_names.hpp"
#include "tessera/io/named_tensors.hpp"

namespace tessera::io {

struct SaveOptions {
  /// One of `namings`, for the Python code that has it; own_naming: the names of the model.
  std::string_view naming = own_naming;
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

/// Throws std::invalid_argument of a module that no naming knows.
template <class Model>
ModelShape shape_of_model(const Model& model, const Naming& naming) {
  constexpr ModelKind kind = ModelNames<Model>::kind;
  require(kind != ModelKind::other, "save_weights", "naming ", naming.id,
          " is for Tessera's models; a module of one's own keeps its names");
  ModelShape shape;
  if (const auto* encoder = encoder_of(model)) {
    const MaskedVisionTransformerConfig& config = encoder->config;
    shape.layout = config.activation == Activation::swiglu ? Layout::gated
                   : config.init_values                    ? Layout::scaled
                                                           : Layout::plain;
    shape.class_token = config.class_token;
    shape.grid = encoder->grid();
    shape.in_chans = config.in_chans;
    shape.position_prefix = encoder->pos_embed.value.dim(1) - shape.grid->count();
  }
  if (const auto* decoder = decoder_of(model)) shape.grid = decoder->config.grid;
  if (kind == ModelKind::mae) shape.layout = Layout::mae;
  if (kind == ModelKind::decoder) shape.layout = Layout::decoder;
  if (kind == ModelKind::ijepa) {
    shape.layout = naming.id.starts_with("lightly_predictor") ? Layout::predictor : Layout::ijepa;
  }
  return shape;
}

}  // namespace detail

/// Writes every parameter of a model, frozen ones included, as a safetensors file, all or nothing
/// (see replace_file). In another naming, the file is one that its code loads strictly; an
/// encoder's mask token is left out where that code has none. Throws std::invalid_argument if a
/// naming does not exist or cannot hold the model, and as SafetensorsWriter.
template <Module Model>
SaveReport save_weights(const std::filesystem::path& path, const Model& model,
                        const SaveOptions& options = {}) {
  using Scalar = typename Model::scalar_type;
  const Dtype dtype = options.dtype.value_or(dtype_of<Scalar>());
  const auto parameters = named_parameters(model);
  SafetensorsWriter file;
  SaveReport report;
  std::optional<detail::TensorNamer<Scalar>> namer;
  if (options.naming == own_naming) {
    for (const auto& parameter : parameters) {
      file.add(parameter.name, parameter.shape, parameter.values, dtype);
      report.written.push_back(parameter.name);
    }
  } else {
    const Naming& naming = find_naming(options.naming);
    std::vector<detail::NamedTensor<Scalar>> tensors;
    for (const auto& parameter : parameters) {
      tensors.push_back({text_of(detail::ModelNames<Model>::prefix, parameter.name),
                         {parameter.shape.begin(), parameter.shape.end()},
                         parameter.values,
                         dtype});
    }
    namer.emplace(naming, detail::shape_of_model(model, naming));
    report = namer->add_to(file, tensors);
  }
  SafetensorsMetadata metadata = detail::model_metadata(model, options.naming);
  for (const auto& [key, value] : options.metadata) metadata[key] = value;
  for (const auto& [key, value] : metadata) file.add_metadata(key, value);
  file.write(path);
  return report;
}

}  // namespace tessera::io
