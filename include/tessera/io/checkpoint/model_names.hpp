#pragma once

#include <concepts>
#include <string>
#include <string_view>

#include "tessera/io/naming/model_kind.hpp"
#include "tessera/io/safetensors/format.hpp"
#include "tessera/models/ijepa.hpp"
#include "tessera/models/mae.hpp"

namespace tessera::io::detail {

/// The kind of a model type among the checkpoints, and the prefix of the names of its parameters
/// there. Any other module is `other` and keeps its names.
template <class Model>
struct ModelNames {
  static constexpr ModelKind kind = ModelKind::other;
  static constexpr std::string_view prefix = "";
};
template <class Scalar>
struct ModelNames<MaskedVisionTransformer<Scalar>> {
  static constexpr ModelKind kind = ModelKind::encoder;
  static constexpr std::string_view prefix = "encoder.";
};
template <class Scalar>
struct ModelNames<MaskedVisionTransformerDecoder<Scalar>> {
  static constexpr ModelKind kind = ModelKind::decoder;
  static constexpr std::string_view prefix = "decoder.";
};
template <class Scalar>
struct ModelNames<MAE<Scalar>> {
  static constexpr ModelKind kind = ModelKind::mae;
  static constexpr std::string_view prefix = "";
};
template <class Scalar>
struct ModelNames<IJEPA<Scalar>> {
  static constexpr ModelKind kind = ModelKind::ijepa;
  static constexpr std::string_view prefix = "";
};

/// The encoder of a model, the (first) one of a pair; null of any other module.
template <class Model>
const auto* encoder_of(const Model& model) {
  if constexpr (ModelNames<Model>::kind == ModelKind::encoder) {
    return &model;
  } else if constexpr (ModelNames<Model>::kind == ModelKind::mae ||
                       ModelNames<Model>::kind == ModelKind::ijepa) {
    return &model.encoder;
  } else {
    return static_cast<const MaskedVisionTransformer<typename Model::scalar_type>*>(nullptr);
  }
}

/// The decoder or predictor of a model; null if it has none.
template <class Model>
const auto* decoder_of(const Model& model) {
  if constexpr (ModelNames<Model>::kind == ModelKind::decoder) {
    return &model;
  } else if constexpr (ModelNames<Model>::kind == ModelKind::mae) {
    return &model.decoder;
  } else if constexpr (ModelNames<Model>::kind == ModelKind::ijepa) {
    return &model.predictor;
  } else {
    return static_cast<const MaskedVisionTransformerDecoder<typename Model::scalar_type>*>(nullptr);
  }
}

}  // namespace tessera::io::detail
