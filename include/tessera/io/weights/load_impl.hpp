#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "tessera/io/checkpoint/find_entry.hpp"
#include "tessera/io/file/fail.hpp"
#include "tessera/io/weights/load.hpp"
#include "tessera/io/weights/load_plan.hpp"

namespace tessera::io::detail {

inline std::string setting_text(bool value) { return value ? "true" : "false"; }
inline std::string setting_text(Index value) { return std::to_string(value); }
inline std::string setting_text(double value) { return number_text(value); }
inline std::string setting_text(GlobalPool pool) { return std::string(pool_name(pool)); }
inline std::string setting_text(Activation activation) {
  return std::string(activation_name(activation));
}

/// Throws if the file says a setting otherwise than the model has it.
template <class T>
void check_setting(const Checkpoint& file, std::string_view name, const Known<T>& said,
                   const std::optional<T>& in_model) {
  if (is_guess(said.from) || !said.value || !in_model ||
      std::equal_to<T>()(*said.value, *in_model)) {
    return;
  }
  refuse_file(file.source.label(), name, " is ", setting_text(*said.value), " (", said.from,
              "), but ", setting_text(*in_model), " in the model; if the file is wrong, give ",
              name);
}

TESSERA_INLINE void check_settings(const Checkpoint& file, const CheckpointFacts& facts,
                                   const Hyperparameters& in_model, ModelKind model_kind,
                                   bool encoder_only) {
  check_setting(file, "num_heads", facts.num_heads, in_model.num_heads);
  check_setting(file, "layer_norm_eps", facts.layer_norm_eps, in_model.layer_norm_eps);
  if (facts.activation.from != Origin::tensors) {  // or shapes differ
    check_setting(file, "activation", facts.activation, in_model.activation);
  }
  // No part of an MAE or I-JEPA, whatever its encoder was made with.
  if (model_kind == ModelKind::encoder && facts.kind == ModelKind::encoder) {
    check_setting(file, "global_pool", facts.global_pool, in_model.global_pool);
  }
  if (encoder_only) return;
  check_setting(file, "decoder_num_heads", facts.decoder_num_heads, in_model.decoder_num_heads);
  check_setting(file, "norm_pix_loss", facts.norm_pix_loss, in_model.norm_pix_loss);
}

/// The part of a model that is loaded, and the part of the file that it comes from, by the
/// beginnings of our names; empty: all.
struct LoadScope {
  std::string_view model = "";
  std::string_view file = "";
};

/// Throws std::runtime_error if the file holds two encoders and none was chosen, or no decoder.
inline LoadScope load_scope(const Checkpoint& file, ModelKind model, const LoadOptions& options) {
  const std::string& label = file.source.label();
  if (options.decoder_only) {
    const bool predictor = file.contains_part("predictor.");
    if (!predictor && !file.contains_part("decoder.")) refuse_file(label, "holds no decoder");
    return {model == ModelKind::ijepa ? "predictor." : "decoder.",
            predictor ? "predictor." : "decoder."};
  }
  const bool encoder_only = options.encoder_only || options.encoder;
  const bool takes_encoder = model == ModelKind::encoder || encoder_only;
  const bool two = holds_two_encoders(file);
  if (two && takes_encoder && !options.encoder) {
    refuse_file(label, "holds a context and a target encoder; choose one with encoder");
  }
  const bool target_alone = !two && file.contains_part("target_encoder.");
  const bool target = options.encoder == EncoderChoice::target;
  if (target_alone && takes_encoder && !target) {
    refuse_file(label, "holds a target encoder alone; choose it with encoder");
  }
  if (!encoder_only) return {};
  return {"encoder.", target ? "target_encoder." : "encoder."};
}

/// Advice for a load that was refused: what to leave out, or which entries hold other models.
inline std::string load_advice(const Checkpoint& file, ModelKind in_file, ModelKind in_model,
                               bool part_alone) {
  std::string text;
  const bool model_has_decoder =
      in_model == ModelKind::mae || in_model == ModelKind::ijepa || in_model == ModelKind::decoder;
  if (in_file == ModelKind::encoder && model_has_decoder) {
    text += "; the file holds an encoder alone: encoder_only leaves the decoder as it is";
  }
  if (in_file != ModelKind::encoder && in_model == ModelKind::encoder && !part_alone) {
    text += "; the file holds more than an encoder: encoder_only takes just that";
  }
  if (file.naming == nullptr) return text;  // a file of Tessera's own: one model, and no entries
  const std::vector<std::string> others = other_models(file.whole, file.options.naming, file.entry);
  if (!others.empty()) {
    text += concat("; other entries of the file, to be chosen with entry: ", listed(others));
  }
  return text;
}

template <std::floating_point Scalar>
LoadReport load_into(const Checkpoint& file, LoadTarget<Scalar>& target,
                     const LoadOptions& options) {
  const CheckpointFacts facts =
      target.kind == ModelKind::other ? CheckpointFacts() : read_facts(file);
  const LoadScope scope = load_scope(file, target.kind, options);
  const bool encoder_only = options.encoder_only || options.encoder;
  check_settings(file, facts, target.settings, target.kind, encoder_only);
  LoadPlan<Scalar> plan(file, facts, options);
  for (const NamedParameter<Scalar>& parameter : target.parameters) {
    const std::string name = concat(target.prefix, parameter.name);
    if (!name.starts_with(scope.model)) {
      plan.report.kept.push_back(parameter.name);
      continue;
    }
    const std::string source = concat(scope.file, name.substr(scope.model.size()));
    const bool of_encoder =
        name.ends_with("encoder.pos_embed") || name.ends_with("encoder.cls_token");
    const bool of_decoder = !of_encoder && name.ends_with("pos_embed");
    plan.add(parameter, source,
             of_encoder   ? target.encoder_positions
             : of_decoder ? target.decoder_positions
                          : std::nullopt);
  }
  plan.finish(scope.file);
  const auto refused = objections(plan.report, options.allow_missing, options.allow_unexpected);
  if (refused) {
    refuse_file(file.source.label(), "does not fit the model (naming ", file.naming_id(),
                "): ", *refused, load_advice(file, facts.kind, target.kind, !scope.model.empty()));
  }
  plan.check_values();
  MappedParameters<Scalar> mapped = plan.map();
  if (!mapped.empty()) target.visit(target.model, mapped);
  plan.copy();
  mapped.adopt();
  return std::move(plan.report);
}

}  // namespace tessera::io::detail
