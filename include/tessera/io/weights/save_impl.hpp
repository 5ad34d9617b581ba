#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "tessera/io/naming/model_kind.hpp"
#include "tessera/io/safetensors/writer.hpp"
#include "tessera/io/weights/save.hpp"

namespace tessera::io::detail {

/// Takes a self-test out of the metadata for a file of other parameters than those tested.
inline void drop_self_test(TensorMetadata& metadata) {
  std::erase_if(metadata,
                [](const auto& item) { return item.first.starts_with("tessera.self_test."); });
}

/// Adds metadata to a file; what every file says of itself comes after it.
inline void add_metadata(SafetensorsWriter& file, std::string_view naming,
                         TensorMetadata metadata) {
  metadata.emplace("format", "pt");
  metadata.emplace("tessera.naming", naming);
  for (const auto& [key, value] : metadata) file.add_metadata(key, value);
}

template <std::floating_point Scalar>
void save_parameters(const std::filesystem::path& path,
                     const std::vector<NamedParameter<const Scalar>>& parameters,
                     TensorMetadata metadata, std::optional<Dtype> dtype) {
  SafetensorsWriter file;
  for (const NamedParameter<const Scalar>& parameter : parameters) {
    file.add(parameter.name, parameter.shape, parameter.values, dtype.value_or(dtype_of<Scalar>()));
  }
  add_metadata(file, own_naming, std::move(metadata));
  file.write(path);
}

}  // namespace tessera::io::detail
