#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <utility>

#include "tessera/core/error.hpp"
#include "tessera/io/checkpoint/model_config.hpp"
#include "tessera/io/checkpoint/model_names.hpp"
#include "tessera/io/file/fail.hpp"
#include "tessera/io/text/printable.hpp"
#include "tessera/io/weights/load_plan.hpp"

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

/// Refuses a model that differs from what the file says where no shape shows it: the weights would
/// fit and be wrong. Guesses do not count.
class HiddenComparison {
 public:
  explicit HiddenComparison(const Checkpoint& file) : file_(file) {}

  template <class T>
  void check(std::string_view what, const Known<T>& said, const std::optional<T>& in_model) const {
    if (is_guess(said.from) || !said.value || !in_model || *said.value == *in_model) return;
    refuse_file(file_.source.label(), what, " is ", text(*said.value), " (", said.from, "), but ",
                text(*in_model), " in the model; if the file is wrong, give ", what);
  }

 private:
  static std::string text(bool value) { return value ? "true" : "false"; }
  static std::string text(GlobalPool pool) { return std::string(pool_name(pool)); }
  template <class T>
  static std::string text(const T& value) {
    return concat(value);
  }

  const Checkpoint& file_;
};

template <class Model>
void check_hidden_facts(const Checkpoint& file, const CheckpointFacts& facts, const Model& model,
                        bool encoder_only) {
  const HiddenFacts own = hidden_facts_of(model);
  const HiddenComparison same(file);
  same.check("num_heads", facts.num_heads, own.num_heads);
  same.check("layer_norm_eps", facts.layer_norm_eps, own.layer_norm_eps);
  // No part of an MAE or I-JEPA, whatever its encoder was made with.
  if (ModelNames<Model>::kind == ModelKind::encoder && facts.kind == ModelKind::encoder) {
    same.check("global_pool", facts.global_pool, own.global_pool);
  }
  if (encoder_only) return;
  same.check("decoder_num_heads", facts.decoder_num_heads, own.decoder_num_heads);
  same.check("norm_pix_loss", facts.norm_pix_loss, own.norm_pix_loss);
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
    refuse_file(file.source.label(),
                "holds a context and a target encoder; choose one with encoder");
  }
  const bool target_alone = !two && file.contains_part("target_encoder.");
  if (target_alone && takes_encoder && options.encoder != EncoderChoice::target) {
    refuse_file(file.source.label(), "holds a target encoder alone; choose it with encoder");
  }
  check_hidden_facts(file, facts, model, encoder_only);
  const bool target = options.encoder == EncoderChoice::target;
  LoadPlan<Scalar> plan(file, facts, options);
  for (const NamedParameter<Scalar>& parameter : named_parameters(model)) {
    const std::string name = concat(Names::prefix, parameter.name);
    if (encoder_only && !name.starts_with("encoder.")) {
      plan.report.kept.push_back(parameter.name);
      continue;
    }
    plan.add(parameter, target ? "target_" + name : name, layout_in(model, name));
  }
  plan.finish(!encoder_only ? "" : target ? "target_encoder." : "encoder.");
  if (const std::string text = complaint(plan.report, options.allow_missing); !text.empty()) {
    const bool has_no_decoder = facts.kind == ModelKind::encoder && decoder_of(model) != nullptr;
    const bool has_more =
        facts.kind != ModelKind::encoder && Names::kind == ModelKind::encoder && !encoder_only;
    const std::string others =
        file.others.empty()
            ? ""
            : concat("; other entries of the file, to be chosen with entry: ", listed(file.others));
    refuse_file(
        file.source.label(), "does not fit the model (naming ", file.naming_id(), "): ", text,
        has_no_decoder ? "; the file holds an encoder alone: encoder_only leaves the decoder as it "
                         "is"
                       : "",
        has_more ? "; the file holds more than an encoder: encoder_only takes just that" : "",
        others);
  }
  plan.check_values();
  MappedParameters<Scalar> mapped = plan.map();
  if (!mapped.empty()) for_each_parameter(model, mapped);
  plan.copy();
  mapped.adopt();
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
