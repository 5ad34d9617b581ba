#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "tessera/core/error.hpp"
#include "tessera/io/checkpoint/hyperparameters.hpp"
#include "tessera/io/safetensors/writer.hpp"
#include "tessera/io/tensors/metadata.hpp"
#include "tessera/io/text/printable.hpp"

namespace tessera::io {

struct SaveOptions {
  std::optional<Dtype> dtype = std::nullopt;  ///< floats are stored as this; unset: as they are
  TensorMetadata metadata = {};               ///< more texts for the file, such as self_test()
};

namespace detail {

/// For a file of other parameters than those that were tested.
inline void drop_self_test(TensorMetadata& metadata) {
  std::erase_if(metadata,
                [](const auto& item) { return item.first.starts_with("tessera.self_test."); });
}

/// Adds the texts that make a model from its file alone, and `more`. Throws std::invalid_argument
/// if `more` has a key of the library's own: it would contradict the model.
inline void add_metadata(SafetensorsWriter& file, const HiddenFacts& facts, std::string_view naming,
                         TensorMetadata more) {
  TensorMetadata metadata = to_metadata(facts);
  metadata["format"] = "pt";
  metadata["tessera.naming"] = naming;
  for (const auto& [key, value] : more) {
    if (metadata.contains(key)) {
      refuse("SaveOptions::metadata", "key ", in_quotes(key), " is one that the library writes");
    }
  }
  more.merge(metadata);
  for (const auto& [key, value] : more) file.add_metadata(key, value);
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
  TensorMetadata more = options.metadata;
  if constexpr (detail::ModelNames<Model>::kind != ModelKind::other) {
    const std::string_view kind = kind_name(detail::ModelNames<Model>::kind);
    if (!more.emplace("tessera.kind", kind).second) {
      refuse("SaveOptions::metadata", "key 'tessera.kind' is one that the library writes");
    }
  }
  detail::add_metadata(file, detail::hidden_facts_of(model), own_naming, std::move(more));
  file.write(path);
}

}  // namespace tessera::io
