#pragma once

#include <string>
#include <vector>

#include "tessera/io/safetensors_reader.hpp"
#include "tessera/io/safetensors_writer.hpp"
#include "tessera/nn/module.hpp"

namespace tessera::io {

/// Writes every parameter of a model, frozen ones included, under its name as a safetensors file,
/// all or nothing. Floats are stored as `dtype`. Throws as SafetensorsWriter.
template <Module Model>
void save_weights(const std::filesystem::path& path, const Model& model,
                  Dtype dtype = dtype_of<typename Model::scalar_type>()) {
  SafetensorsWriter writer;
  for (const auto& parameter : named_parameters(model)) {
    writer.add(parameter.name, parameter.shape, parameter.values, dtype);
  }
  writer.write(path);
}

/// Reads what save_weights wrote, from any float type. Names and shapes must be the model's, none
/// missing and none left over: throws std::runtime_error naming file and tensor, and changes
/// nothing.
template <Module Model>
void load_weights(const std::filesystem::path& path, Model& model) {
  using Scalar = typename Model::scalar_type;
  const SafetensorsReader reader(path);
  const auto parameters = named_parameters(model);
  std::vector<Tensor<Scalar, 1>> loaded;
  for (const auto& parameter : parameters) {
    loaded.emplace_back(Shape<1>{std::ssize(parameter.values)});
    reader.read_into(parameter.name, parameter.shape, loaded.back().values());
  }
  for (const SafetensorsEntry& entry : reader.tensors()) {
    const bool known = std::any_of(parameters.begin(), parameters.end(),
                                   [&](const auto& p) { return p.name == entry.name; });
    if (!known) {
      detail::fail(reader.label(), "tensor ", detail::name_text(entry.name),
                   ": the model has no such parameter");
    }
  }
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    std::copy(loaded[i].begin(), loaded[i].end(), parameters[i].values.begin());
  }
}

}  // namespace tessera::io
