#pragma once

#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tessera/core/inline.hpp"
#include "tessera/core/size.hpp"
#include "tessera/io/weights/model_shape.hpp"
#include "tessera/io/weights/save.hpp"

namespace tessera::io {

namespace detail {

/// Throws std::invalid_argument of a module that no naming knows.
template <class Model>
ModelShape shape_of_model(const Model& model, std::string_view naming) {
  constexpr ModelKind kind = ModelNames<Model>::kind;
  if (kind == ModelKind::other) {
    refuse("export_weights", "naming ", naming,
           " is for Tessera's models; a module of one's own keeps its names");
  }
  ModelShape shape;
  if (const auto* encoder = encoder_of(model)) {
    const MaskedVisionTransformerConfig& config = encoder->config;
    shape.layout =
        encoder_layout(config.activation == Activation::swiglu, config.init_values.has_value());
    shape.class_token = config.class_token;
    shape.reg_tokens = config.reg_tokens;
    shape.grid = encoder->grid();
    shape.in_chans = config.in_chans;
    shape.dim = config.embed_dim;
    shape.mlp_hidden = static_cast<Index>(static_cast<double>(config.embed_dim) * config.mlp_ratio);
    shape.position_prefix = encoder->pos_embed.value.dim(1) - shape.grid->count();
  }
  if (const auto* decoder = decoder_of(model)) shape.grid = decoder->config.grid;
  if (kind == ModelKind::mae) shape.layout = Layout::mae;
  if (kind == ModelKind::decoder) shape.layout = Layout::decoder;
  if (kind == ModelKind::ijepa) {
    shape.layout = naming.starts_with("lightly_predictor") ? Layout::predictor : Layout::ijepa;
  }
  return shape;
}

/// Writes tensors under the names of a naming, with the settings of their model.
template <std::floating_point Scalar>
ExportReport export_tensors(const std::filesystem::path& path,
                            const std::vector<NamedTensor<Scalar>>& tensors,
                            std::string_view naming_id, const ModelShape& shape,
                            const Hyperparameters& settings, const SaveOptions& options);

/// Throws std::invalid_argument if there is no such naming.
void check_naming(std::string_view naming_id);

}  // namespace detail

/// Writes a model under the names and in the shapes of one of `namings`, as a file that its code
/// loads strictly; an encoder's mask token is left out where that code has none, and a self-test
/// where that code keeps the position of a class token elsewhere. Otherwise as save_weights. Throws
/// std::invalid_argument if the naming does not exist or cannot hold the model.
template <Module Model>
ExportReport export_weights(const std::filesystem::path& path, const Model& model,
                            std::string_view naming_id, const SaveOptions& options = {}) {
  using Scalar = typename Model::scalar_type;
  detail::check_naming(naming_id);
  std::vector<detail::NamedTensor<Scalar>> tensors;
  for (const auto& parameter : named_parameters(model)) {
    tensors.push_back({concat(detail::ModelNames<Model>::prefix, parameter.name),
                       {parameter.shape.begin(), parameter.shape.end()},
                       parameter.values,
                       options.dtype.value_or(dtype_of<Scalar>())});
  }
  return detail::export_tensors(path, tensors, naming_id, detail::shape_of_model(model, naming_id),
                                detail::hyperparameters_of(model), options);
}

}  // namespace tessera::io

#ifndef TESSERA_COMPILED_LIB
#include "tessera/io/weights/export_impl.hpp"
#endif
