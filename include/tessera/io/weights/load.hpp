#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tessera/core/inline.hpp"
#include "tessera/io/checkpoint/checkpoint.hpp"
#include "tessera/io/checkpoint/facts.hpp"
#include "tessera/io/checkpoint/hyperparameters.hpp"
#include "tessera/io/checkpoint/model_config.hpp"
#include "tessera/io/checkpoint/model_names.hpp"
#include "tessera/io/weights/adapt.hpp"
#include "tessera/io/weights/load_report.hpp"
#include "tessera/io/weights/mapped_parameters.hpp"

namespace tessera::io {

namespace detail {

/// A model as loading sees it: of its type, nothing is left but the scalar.
template <std::floating_point Scalar>
struct LoadTarget {
  ModelKind kind = ModelKind::other;
  std::string_view prefix = "";  ///< what stands before names of parameters among ours
  std::vector<NamedParameter<Scalar>> parameters = {};
  Hyperparameters settings = {};
  std::optional<PositionLayout> encoder_positions = std::nullopt;
  std::optional<PositionLayout> decoder_positions = std::nullopt;  ///< of a decoder or predictor
  void* model = nullptr;
  /// Shows every parameter of `model` to those that are to be mapped.
  void (*visit)(void* model, MappedParameters<Scalar>& mapped) = nullptr;
};

template <class Model>
LoadTarget<typename Model::scalar_type> load_target(Model& model) {
  using Scalar = typename Model::scalar_type;
  LoadTarget<Scalar> target{.kind = ModelNames<Model>::kind,
                            .prefix = ModelNames<Model>::prefix,
                            .parameters = named_parameters(model),
                            .settings = hyperparameters_of(model),
                            .model = &model};
  target.visit = [](void* visited, MappedParameters<Scalar>& mapped) {
    for_each_parameter(*static_cast<Model*>(visited), mapped);
  };
  if (const auto* encoder = encoder_of(model)) {
    const Size grid = encoder->grid();
    target.encoder_positions = PositionLayout{encoder->pos_embed.value.dim(1) - grid.count(), grid};
  }
  if (const auto* decoder = decoder_of(model)) {
    target.decoder_positions =
        PositionLayout{decoder->config.num_prefix_tokens, decoder->config.grid};
  }
  return target;
}

/// Refuses a model that differs from what the file says where no shape shows it: the weights would
/// fit and be wrong. Guesses do not count.
void check_settings(const Checkpoint& file, const CheckpointFacts& facts,
                    const Hyperparameters& in_model, ModelKind model_kind, bool encoder_only);

template <std::floating_point Scalar>
LoadReport load_into(const Checkpoint& file, LoadTarget<Scalar>& target,
                     const LoadOptions& options);

}  // namespace detail

/// Loads a checkpoint into a model, whatever its naming, and reports how. Throws
/// std::runtime_error naming file, tensor and reason unless every parameter of the model is there,
/// nothing else is, all shapes agree and all values can be read, but for what `options` allow; the
/// model is then unchanged. A module that is none of Tessera's models takes files of its own names.
template <Module Model>
LoadReport load_weights(const Checkpoint& file, Model& model, const LoadOptions& options = {}) {
  detail::LoadTarget<typename Model::scalar_type> target = detail::load_target(model);
  return detail::load_into(file, target, options);
}

/// Opens the file at a path and loads it: see open_checkpoint.
template <Module Model>
LoadReport load_weights(const std::filesystem::path& path, Model& model,
                        const LoadOptions& options = {}) {
  return load_weights(open_checkpoint(path), model, options);
}

/// Makes the encoder that a file holds; of an I-JEPA, the one chosen in `options`; of a saved
/// module of one's own, the encoder of the only model in it. Throws std::runtime_error as
/// load_weights, and asks for what the file does not say (CheckpointOptions).
template <std::floating_point Scalar>
MaskedVisionTransformer<Scalar> load_encoder(const Checkpoint& file, LoadOptions options = {}) {
  const std::optional<Checkpoint> part = detail::model_inside(file);
  const Checkpoint& inside = part ? *part : file;
  MaskedVisionTransformer<Scalar> encoder(encoder_config(inside, read_facts(inside)));
  options.encoder_only = true;
  load_weights(inside, encoder, options);
  return encoder;
}

/// Makes the MAE that a file holds, decoder included. Throws as load_encoder.
template <std::floating_point Scalar>
MAE<Scalar> load_mae(const Checkpoint& file, const LoadOptions& options = {}) {
  const std::optional<Checkpoint> part = detail::model_inside(file);
  const Checkpoint& inside = part ? *part : file;
  MAE<Scalar> mae(mae_config(inside, read_facts(inside)));
  load_weights(inside, mae, options);
  return mae;
}

/// Makes the I-JEPA that a file holds, predictor and both encoders included. Throws as
/// load_encoder.
template <std::floating_point Scalar>
IJEPA<Scalar> load_ijepa(const Checkpoint& file, const LoadOptions& options = {}) {
  const std::optional<Checkpoint> part = detail::model_inside(file);
  const Checkpoint& inside = part ? *part : file;
  IJEPA<Scalar> ijepa(ijepa_config(inside, read_facts(inside)));
  load_weights(inside, ijepa, options);
  return ijepa;
}

/// Makes the decoder or predictor that a file holds, alone or beside an encoder. The layers before
/// and behind it are reported as skipped. Throws as load_encoder.
template <std::floating_point Scalar>
MaskedVisionTransformerDecoder<Scalar> load_decoder(const Checkpoint& file,
                                                    LoadOptions options = {}) {
  const std::optional<Checkpoint> part = detail::model_inside(file);
  const Checkpoint& inside = part ? *part : file;
  MaskedVisionTransformerDecoder<Scalar> decoder(decoder_config(inside, read_facts(inside)));
  options.decoder_only = true;
  load_weights(inside, decoder, options);
  return decoder;
}

// From a path, for files that say everything: see open_checkpoint.

template <std::floating_point Scalar>
MaskedVisionTransformer<Scalar> load_encoder(const std::filesystem::path& path,
                                             const LoadOptions& options = {}) {
  return load_encoder<Scalar>(open_checkpoint(path), options);
}
template <std::floating_point Scalar>
MAE<Scalar> load_mae(const std::filesystem::path& path, const LoadOptions& options = {}) {
  return load_mae<Scalar>(open_checkpoint(path), options);
}
template <std::floating_point Scalar>
IJEPA<Scalar> load_ijepa(const std::filesystem::path& path, const LoadOptions& options = {}) {
  return load_ijepa<Scalar>(open_checkpoint(path), options);
}

}  // namespace tessera::io

#ifndef TESSERA_COMPILED_LIB
#include "tessera/io/weights/load_impl.hpp"
#endif
