#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <utility>

#include "tessera/io/checkpoint_config.hpp"
#include "tessera/io/load_plan.hpp"
#include "tessera/io/model_names.hpp"

namespace tessera::io {

namespace detail {

/// How a model lays out the positions in a parameter of this name, if it holds positions or a class
/// token that may take over one.
template <class Model>
std::optional<PositionLayout> layout_in(const Model& model, std::string_view name) {
  const bool of_encoder =
      name.ends_with("encoder.pos_embed") || name.ends_with("encoder.cls_token");
  if (const auto* encoder = encoder_of(model); encoder != nullptr && of_encoder) {
    const Size grid = encoder->grid();
    return PositionLayout{encoder->pos_embed.value.dim(1) - grid.count(), grid};
  }
  if (const auto* decoder = decoder_of(model); decoder != nullptr && name.ends_with("pos_embed")) {
    return PositionLayout{decoder->config.num_prefix_tokens, decoder->config.grid};
  }
  return std::nullopt;
}

/// A number of heads shows in no shape: with another one the weights would fit and be wrong.
inline void check_same_heads(const Checkpoint& file, const Known<Index>& said, Index heads,
                             std::string_view what) {
  if (said.value && *said.value != heads && said.from != "published size") {
    fail(file.source.label(), what, " is ", *said.value, " (", said.from, "), but ", heads,
         " in the model");
  }
}

template <class Model>
LoadReport load_known(const Checkpoint& file, Model& model, const LoadOptions& options) {
  using Scalar = typename Model::scalar_type;
  using Names = ModelNames<Model>;
  const CheckpointFacts facts =
      Names::kind == ModelKind::other ? CheckpointFacts() : read_facts(file);
  const bool two = file.contains_part("encoder.") && file.contains_part("target_encoder.");
  const bool encoder_only = options.encoder_only || options.encoder;
  const bool takes_encoder = Names::kind == ModelKind::encoder || encoder_only;
  if (two && takes_encoder && !options.encoder) {
    fail(file.source.label(), "holds a context and a target encoder; choose one with encoder");
  }
  if (const auto* encoder = encoder_of(model)) {
    check_same_heads(file, facts.num_heads, encoder->config.num_heads, "num_heads");
  }
  if (const auto* decoder = decoder_of(model); decoder != nullptr && !encoder_only) {
    check_same_heads(file, facts.decoder_num_heads, decoder->config.num_heads, "decoder_num_heads");
  }
  LoadPlan<Scalar> plan(file, facts, options);
  for (const NamedParameter<Scalar>& parameter : named_parameters(model)) {
    const std::string name = text_of(Names::prefix, parameter.name);
    if (encoder_only && !name.starts_with("encoder.")) {
      plan.report.kept.push_back(parameter.name);
      continue;
    }
    const bool target = options.encoder == EncoderChoice::target;
    plan.add(parameter, target ? "target_" + name : name, layout_in(model, name));
  }
  plan.finish(encoder_only);
  if (const std::string text = complaint(plan.report, options.allow_missing); !text.empty()) {
    fail(file.source.label(), "does not fit the model (naming ", file.naming_id(), "): ", text,
         facts.kind == ModelKind::encoder && decoder_of(model) != nullptr
             ? "; the file holds an encoder alone: encoder_only leaves the decoder as it is"
             : "",
         facts.kind != ModelKind::encoder && Names::kind == ModelKind::encoder && !encoder_only
             ? "; the file holds more than an encoder: encoder_only takes just that"
             : "");
  }
  plan.check_values();
  plan.copy();
  return std::move(plan.report);
}

}  // namespace detail

/// Loads a checkpoint into a model, whatever its naming, and says what it did. Throws
/// std::runtime_error naming file, tensor and reason unless every parameter of the model is there,
/// nothing else is, all shapes agree and all values can be read, but for what `options` allow; the
/// model is then unchanged. A module that is none of Tessera's models takes files of its own names.
template <Module Model>
LoadReport load_weights(const Checkpoint& file, Model& model, const LoadOptions& options = {}) {
  return detail::load_known(file, model, options);
}

/// The same from a path: see open_checkpoint.
template <Module Model>
LoadReport load_weights(const std::filesystem::path& path, Model& model,
                        const LoadOptions& options = {}) {
  return detail::load_known(open_checkpoint(path), model, options);
}

/// Makes the encoder that a file holds; of an I-JEPA, the one chosen in `options`. Throws
/// std::runtime_error as load_weights, and asks for what the file does not say (CheckpointOptions).
template <std::floating_point Scalar>
MaskedVisionTransformer<Scalar> load_encoder(const Checkpoint& file, LoadOptions options = {}) {
  MaskedVisionTransformer<Scalar> encoder(encoder_config(file, read_facts(file)));
  options.encoder_only = true;
  load_weights(file, encoder, options);
  return encoder;
}

/// Makes the MAE that a file holds, decoder included. Throws as load_encoder.
template <std::floating_point Scalar>
MAE<Scalar> load_mae(const Checkpoint& file, const LoadOptions& options = {}) {
  MAE<Scalar> mae(mae_config(file, read_facts(file)));
  load_weights(file, mae, options);
  return mae;
}

/// Makes the I-JEPA that a file holds, predictor and both encoders included. Throws as
/// load_encoder.
template <std::floating_point Scalar>
IJEPA<Scalar> load_ijepa(const Checkpoint& file, const LoadOptions& options = {}) {
  IJEPA<Scalar> ijepa(ijepa_config(file, read_facts(file)));
  load_weights(file, ijepa, options);
  return ijepa;
}

/// The same from a path, for files that say everything: see open_checkpoint.
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

/// Makes the decoder that a file holds alone. Throws as load_encoder.
template <std::floating_point Scalar>
MaskedVisionTransformerDecoder<Scalar> load_decoder(const Checkpoint& file,
                                                    const LoadOptions& options = {}) {
  MaskedVisionTransformerDecoder<Scalar> decoder(decoder_config(file, read_facts(file)));
  load_weights(file, decoder, options);
  return decoder;
}

}  // namespace tessera::io
