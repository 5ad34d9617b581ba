#pragma once

#include <deque>
#include <filesystem>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tessera/core/error.hpp"
#include "tessera/io/checkpoint/expected_tensors.hpp"
#include "tessera/io/file/fail.hpp"
#include "tessera/io/preprocessing/choose.hpp"
#include "tessera/io/preprocessing/settings_metadata.hpp"
#include "tessera/io/tensors/metadata.hpp"
#include "tessera/io/text/printable.hpp"
#include "tessera/io/weights/convert.hpp"
#include "tessera/io/weights/load_plan.hpp"
#include "tessera/io/weights/rename.hpp"
#include "tessera/io/weights/save_impl.hpp"

namespace tessera::io {

namespace detail {

/// The tensors that are written, and the sizes of their model.
struct Conversion {
  ModelShape shape;
  std::vector<std::pair<std::string, const CheckpointTensor*>> tensors;  // by our name
  bool encoder_only = false;
};

inline Layout layout_of(const CheckpointFacts& facts, std::string_view naming, bool encoder_only) {
  if (!encoder_only) {
    if (facts.kind == ModelKind::mae) return Layout::mae;
    if (facts.kind == ModelKind::decoder) return Layout::decoder;
    if (facts.kind == ModelKind::predictor) return Layout::predictor;
    if (facts.kind == ModelKind::ijepa) {
      return naming.starts_with("lightly_predictor") ? Layout::predictor : Layout::ijepa;
    }
  }
  return encoder_layout(facts.encoder->gated, facts.encoder->layer_scale);
}

inline ModelShape shape_of_file(const Checkpoint& file, const CheckpointFacts& facts,
                                Layout layout) {
  ModelShape shape{.layout = layout};
  if (!facts.encoder) return shape;
  if (facts.unclear_positions) {
    refuse_file(file.source.label(), "image_size cannot be told from the file (",
                no_image_size(facts), "); give image_size");
  }
  shape.class_token = facts.class_token;
  shape.reg_tokens = facts.reg_tokens;
  shape.position_prefix = facts.position_prefix;
  shape.in_chans = facts.in_chans;
  shape.dim = facts.encoder->dim;
  shape.mlp_hidden = facts.encoder->mlp_hidden;
  if (facts.image_size.value) {
    shape.grid = Size{facts.image_size.value->height / facts.patch_size,
                      facts.image_size.value->width / facts.patch_size};
  }
  return shape;
}

inline Conversion plan_conversion(const Checkpoint& file, const CheckpointFacts& facts,
                                  const Naming& naming, const ConvertOptions& options) {
  const std::string& label = file.source.label();
  if (!file.unexpected.empty()) {
    refuse_file(label, "tensor ", in_quotes(file.unexpected[0]), ": has no place in naming ",
                file.naming_id());
  }
  if (facts.kind == ModelKind::other) refuse_file(label, "is none of Tessera's models");
  Conversion made;
  made.encoder_only = options.encoder_only || options.encoder;
  if (made.encoder_only && holds_two_encoders(file) && !options.encoder) {
    refuse_file(label, "holds a context and a target encoder; choose one");
  }
  const std::string prefix =
      options.encoder == EncoderChoice::target ? "target_encoder." : "encoder.";
  const std::string part = made.encoder_only ? prefix : "";
  for (const CheckpointTensor& tensor : file.tensors) {
    if (!tensor.name.starts_with(part)) continue;
    made.tensors.push_back(
        {made.encoder_only ? "encoder." + tensor.name.substr(prefix.size()) : tensor.name,
         &tensor});
  }
  if (made.tensors.empty()) refuse_file(label, "has no ", prefix.substr(0, prefix.size() - 1));
  check_complete(file, facts, part);
  made.shape = shape_of_file(file, facts, layout_of(facts, naming.id, made.encoder_only));
  return made;
}

/// The settings of the model that go into the new file, so that nothing is asked for twice. A
/// pooling or an activation that is only usual may be wrong, and is not made certain by a
/// conversion.
inline Hyperparameters kept_settings(const CheckpointFacts& facts) {
  return {.num_heads = facts.num_heads.value,
          .decoder_num_heads = facts.decoder_num_heads.value,
          .image_size = facts.image_size.value,
          .decoder_grid =
              facts.decoder_grid.from == Origin::metadata ? facts.decoder_grid.value : std::nullopt,
          .layer_norm_eps = facts.layer_norm_eps.value,
          .norm_pix_loss = facts.norm_pix_loss.value,
          .global_pool = is_guess(facts.global_pool.from) ? std::nullopt : facts.global_pool.value,
          .resampling = facts.resampling.value,
          .activation = is_guess(facts.activation.from) ? std::nullopt : facts.activation.value};
}

/// All values of a tensor, its parts in order.
template <std::floating_point Scalar>
Tensor<Scalar, 1> values_of(const Checkpoint& file, const CheckpointTensor& tensor) {
  Index count = 0;
  for (const std::string& stored : tensor.stored) {
    count += file.source.tensor(stored).element_count();
  }
  auto values = Tensor<Scalar, 1>::empty({count});
  std::span<Scalar> rest = values.values();
  for (const std::string& stored : tensor.stored) {
    const auto part = static_cast<std::size_t>(file.source.tensor(stored).element_count());
    file.source.read_into(stored, rest.first(part));
    rest = rest.subspan(part);
  }
  return values;
}

/// The tensors of a conversion with their values, which `kept` holds.
template <std::floating_point Scalar>
std::vector<NamedTensor<Scalar>> read_tensors(const Checkpoint& file, const Conversion& plan,
                                              const ConvertOptions& options,
                                              std::deque<Tensor<Scalar, 1>>& kept) {
  std::vector<NamedTensor<Scalar>> tensors;
  for (const auto& [name, tensor] : plan.tensors) {
    for (const std::string& stored : tensor->stored) {
      if (options.reject_non_finite && !is_finite(file.source.tensor(stored))) {
        refuse_file(file.source.label(), "tensor ", in_quotes(stored), ": holds NaN or infinity");
      }
    }
    kept.push_back(values_of<Scalar>(file, *tensor));
    tensors.push_back(
        {name, tensor->shape, kept.back().values(), options.dtype.value_or(tensor->dtype)});
  }
  return tensors;
}

template <std::floating_point Scalar>
ExportReport convert_as(const Checkpoint& file, const CheckpointFacts& facts,
                        const std::filesystem::path& path, const Naming& naming,
                        const ConvertOptions& options) {
  const Conversion plan = plan_conversion(file, facts, naming, options);
  std::deque<Tensor<Scalar, 1>> values;
  std::vector<NamedTensor<Scalar>> tensors = read_tensors(file, plan, options, values);
  TensorMetadata more;
  for (const auto& [key, value] : file.source.metadata()) {
    if (key.starts_with("tessera.self_test.")) more[key] = value;
  }
  // Code that masks in the encoder has a token for it always; one that was never used is zero.
  const NameWriter wanted(naming, plan.shape.layout);
  for (const std::string part : {"encoder.", "target_encoder."}) {
    const std::string name = part + "mask_token";
    const bool there = std::ranges::count(tensors, name, &NamedTensor<Scalar>::name) > 0;
    if (there || wanted.find(name).empty()) continue;
    const Index dim = facts.encoder->dim;
    values.push_back(Tensor<Scalar, 1>({dim}));
    tensors.push_back({name, {1, 1, dim}, values.back().values(), tensors[0].dtype});
    more.erase("tessera.self_test.mask_token");
  }
  SafetensorsWriter writer;
  TensorNamer<Scalar> namer(naming, plan.shape);
  ExportReport report = namer.add_to(writer, tensors);
  report.left_out.insert(report.left_out.end(), file.heads.begin(), file.heads.end());
  report.left_out.insert(report.left_out.end(), file.partners.begin(), file.partners.end());
  const bool other_values = std::ranges::any_of(plan.tensors, [&](const auto& item) {
    return options.dtype.value_or(item.second->dtype) != item.second->dtype;
  });
  if (other_values || plan.encoder_only || namer.moves_positions()) drop_self_test(more);
  if (facts.encoder) {
    try {
      const auto how = known_preprocessing(file, facts.image_size.value.value_or(Size{}));
      if (how.from != Origin::standard) more.merge(to_metadata(*how.value));
    } catch (const std::runtime_error& error) {  // the weights are sound all the same
      report.left_out.push_back(concat("how images are prepared (", error.what(), ")"));
    }
  }
  add_metadata(writer, to_metadata(kept_settings(facts)), naming.id, std::move(more));
  writer.write(path);
  return report;
}

}  // namespace detail

TESSERA_INLINE ExportReport convert_weights(const Checkpoint& file,
                                            const std::filesystem::path& path,
                                            std::string_view naming,
                                            const ConvertOptions& options) {
  if (const std::optional<Checkpoint> part = detail::model_inside(file)) {
    return convert_weights(*part, path, naming, options);
  }
  const CheckpointFacts facts = read_facts(file);
  const bool wide = std::ranges::any_of(
      file.tensors, [](const CheckpointTensor& tensor) { return tensor.dtype == Dtype::f64; });
  try {
    return wide ? detail::convert_as<double>(file, facts, path, find_naming(naming), options)
                : detail::convert_as<float>(file, facts, path, find_naming(naming), options);
  } catch (const std::invalid_argument& error) {
    throw std::invalid_argument(concat(file.source.label(), ": ", error.what()));
  }
}

}  // namespace tessera::io
