#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "tessera/core/error.hpp"
#include "tessera/io/naming/model_kind.hpp"
#include "tessera/io/safetensors/writer.hpp"
#include "tessera/io/text/printable.hpp"
#include "tessera/io/weights/save.hpp"

namespace tessera::io::detail {

/// Takes a self-test out of the metadata for a file of other parameters than those tested.
inline void drop_self_test(TensorMetadata& metadata) {
  std::erase_if(metadata,
                [](const auto& item) { return item.first.starts_with("tessera.self_test."); });
}

/// Adds the texts that make a model from its file alone, and `more`. Throws std::invalid_argument
/// if `more` has a key of the library's own: it would contradict the model.
inline void add_metadata(SafetensorsWriter& file, TensorMetadata of_models, std::string_view naming,
                         TensorMetadata more) {
  of_models["format"] = "pt";
  of_models["tessera.naming"] = naming;
  for (const auto& [key, value] : more) {
    if (of_models.contains(key)) {
      refuse("SaveOptions::metadata", "key ", in_quotes(key), " is one that the library writes");
    }
  }
  more.merge(of_models);
  for (const auto& [key, value] : more) file.add_metadata(key, value);
}

template <std::floating_point Scalar>
void save_parameters(const std::filesystem::path& path,
                     const std::vector<NamedParameter<const Scalar>>& parameters,
                     TensorMetadata of_models, const SaveOptions& options) {
  SafetensorsWriter file;
  for (const NamedParameter<const Scalar>& parameter : parameters) {
    file.add(parameter.name, parameter.shape, parameter.values,
             options.dtype.value_or(dtype_of<Scalar>()));
  }
  add_metadata(file, std::move(of_models), own_naming, options.metadata);
  file.write(path);
}

}  // namespace tessera::io::detail
