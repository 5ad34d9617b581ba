#pragma once

#include <deque>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tessera/io/checkpoint_facts.hpp"
#include "tessera/io/json_text.hpp"
#include "tessera/io/load_plan.hpp"
#include "tessera/io/named_tensors.hpp"

namespace tessera::io {

struct ConvertOptions {
  std::optional<Dtype> dtype = std::nullopt;            ///< unset: every tensor keeps its own
  bool encoder_only = false;                            ///< leave a decoder out
  std::optional<EncoderChoice> encoder = std::nullopt;  ///< of an I-JEPA; implies encoder_only
};

namespace detail {

/// What is written, and from which tensors.
struct Conversion {
  ModelShape shape;
  std::vector<std::pair<std::string, const CheckpointTensor*>> tensors;  // by our name
};

inline Conversion plan_conversion(const Checkpoint& file, const CheckpointFacts& facts,
                                  const Naming& naming, const ConvertOptions& options) {
  const std::string& label = file.source.label();
  if (!file.unexpected.empty()) {
    fail(label, "tensor ", name_text(file.unexpected[0]), ": has no place in naming ",
         file.naming_id());
  }
  if (facts.kind == ModelKind::other) fail(label, "is none of Tessera's models");
  const bool encoder_only = options.encoder_only || options.encoder;
  const bool two = file.contains_part("encoder.") && file.contains_part("target_encoder.");
  if (encoder_only && two && !options.encoder) {
    fail(label, "holds a context and a target encoder; choose one");
  }
  Conversion made;
  const std::string prefix =
      options.encoder == EncoderChoice::target ? "target_encoder." : "encoder.";
  for (const CheckpointTensor& tensor : file.tensors) {
    if (!encoder_only) {
      made.tensors.push_back({tensor.name, &tensor});
    } else if (tensor.name.starts_with(prefix)) {
      made.tensors.push_back({"encoder." + tensor.name.substr(prefix.size()), &tensor});
    }
  }
  if (made.tensors.empty()) fail(label, "has no ", prefix.substr(0, prefix.size() - 1));
  if (facts.encoder) {
    made.shape = {.layout = facts.encoder->activation == Activation::swiglu ? Layout::gated
                            : facts.encoder->layer_scale                    ? Layout::scaled
                                                                            : Layout::plain,
                  .class_token = facts.class_token,
                  .position_prefix = facts.position_prefix,
                  .in_chans = facts.in_chans};
    if (facts.image_size.value) {
      made.shape.grid = Size{facts.image_size.value->height / facts.patch_size,
                             facts.image_size.value->width / facts.patch_size};
    }
  }
  if (encoder_only) return made;
  if (facts.kind == ModelKind::mae) made.shape.layout = Layout::mae;
  if (facts.kind == ModelKind::decoder) made.shape.layout = Layout::decoder;
  if (facts.kind == ModelKind::predictor) made.shape.layout = Layout::predictor;
  if (facts.kind == ModelKind::ijepa) {
    made.shape.layout =
        naming.id.starts_with("lightly_predictor") ? Layout::predictor : Layout::ijepa;
  }
  return made;
}

/// What can be known of the model goes into the new file, so that nothing is asked for twice.
inline SafetensorsMetadata facts_metadata(const Checkpoint& file, const CheckpointFacts& facts,
                                          const Naming& naming) {
  SafetensorsMetadata metadata{{"format", "pt"}, {"tessera.naming", std::string(naming.id)}};
  const auto add = [&](const char* key, const auto& fact) {
    if (fact.value) metadata[key] = text_of(*fact.value);
  };
  add("tessera.num_heads", facts.num_heads);
  add("tessera.decoder_num_heads", facts.decoder_num_heads);
  if (facts.layer_norm_eps.value) {
    metadata["tessera.layer_norm_eps"] = number_text(*facts.layer_norm_eps.value);
  }
  if (facts.norm_pix_loss.value) {
    metadata["tessera.norm_pix_loss"] = *facts.norm_pix_loss.value ? "1" : "0";
  }
  if (facts.image_size.value) {
    metadata["tessera.image_height"] = std::to_string(facts.image_size.value->height);
    metadata["tessera.image_width"] = std::to_string(facts.image_size.value->width);
  }
  if (facts.encoder) {
    metadata["tessera.global_pool"] = facts.global_pool == GlobalPool::avg ? "avg" : "token";
  }
  for (const auto& [key, value] : file.source.metadata()) {
    if (key.starts_with("tessera.self_test.")) metadata[key] = value;
  }
  return metadata;
}

template <std::floating_point Scalar>
ExportReport convert_as(const Checkpoint& file, const CheckpointFacts& facts,
                        const std::filesystem::path& path, const Naming& naming,
                        const ConvertOptions& options) {
  const Conversion plan = plan_conversion(file, facts, naming, options);
  std::deque<Tensor<Scalar, 1>> values;
  std::vector<NamedTensor<Scalar>> tensors;
  for (const auto& [name, tensor] : plan.tensors) {
    NamedTensor<Scalar> named{name, tensor->shape, {}, options.dtype.value_or(tensor->dtype)};
    Index count = 0;
    for (const std::string& stored : tensor->stored) {
      count += file.source.tensor(stored).element_count();
    }
    values.push_back(Tensor<Scalar, 1>::empty({count}));
    std::span<Scalar> rest = values.back().values();
    for (const std::string& stored : tensor->stored) {
      const auto part = static_cast<std::size_t>(file.source.tensor(stored).element_count());
      file.source.read_into(stored, rest.first(part));
      rest = rest.subspan(part);
    }
    named.values = values.back().values();
    tensors.push_back(std::move(named));
  }
  // Code that masks in the encoder has a token for it always; one that was never used is zero.
  const NameWriter wanted(naming, plan.shape.layout);
  for (const std::string part : {"encoder.", "target_encoder."}) {
    const std::string name = part + "mask_token";
    const auto has = [&](const auto& tensor) { return tensor.name == name; };
    if (wanted.find(name).empty() || std::ranges::any_of(tensors, has)) continue;
    const Index dim = facts.encoder->dim;
    values.push_back(Tensor<Scalar, 1>({dim}));
    tensors.push_back({name, {1, 1, dim}, values.back().values(), tensors[0].dtype});
  }
  SafetensorsWriter writer;
  TensorNamer<Scalar> namer(naming, plan.shape);
  ExportReport report = namer.add_to(writer, tensors);
  report.left_out.insert(report.left_out.end(), file.heads.begin(), file.heads.end());
  for (const auto& [key, value] : facts_metadata(file, facts, naming)) {
    writer.add_metadata(key, value);
  }
  writer.write(path);
  return report;
}

}  // namespace detail

/// Writes a checkpoint in another naming as a safetensors file, without making its model: nothing
/// need be known that the names do not need. Heads are left out. Throws as open_checkpoint, and
/// std::invalid_argument if the naming does not exist or cannot hold the model.
inline ExportReport convert_weights(const Checkpoint& file, const std::filesystem::path& path,
                                    std::string_view naming, const ConvertOptions& options = {}) {
  const CheckpointFacts facts = read_facts(file);
  const bool wide = std::ranges::any_of(
      file.tensors, [](const CheckpointTensor& tensor) { return tensor.dtype == Dtype::f64; });
  return wide ? detail::convert_as<double>(file, facts, path, find_naming(naming), options)
              : detail::convert_as<float>(file, facts, path, find_naming(naming), options);
}

}  // namespace tessera::io
