#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tessera/io/file/fail.hpp"
#include "tessera/io/safetensors/writer.hpp"
#include "tessera/io/source/tensor_source.hpp"
#include "tessera/train/adamw.hpp"

namespace tessera::run {

/// Writes AdamW's state as a safetensors file: for each parameter its moments, "first.NAME" and
/// "second.NAME", and "steps.NAME", how often it was updated. All or nothing.
template <std::floating_point Scalar>
void save_optimizer(const std::filesystem::path& path, const AdamW<Scalar>& optimizer) {
  io::SafetensorsWriter file;
  std::vector<Tensor<std::int64_t, 1>> steps;  // the writer keeps views
  steps.reserve(optimizer.state.size());
  for (const auto& [name, state] : optimizer.state) {
    steps.push_back(Tensor<std::int64_t, 1>({1}, static_cast<std::int64_t>(state.steps)));
    file.add("first." + name, state.first);
    file.add("second." + name, state.second);
    file.add("steps." + name, steps.back());
  }
  file.write(path);
}

/// Reads what save_optimizer wrote. Throws std::runtime_error "file: reason" if it is not such a
/// file; then the optimizer is as it was.
template <std::floating_point Scalar>
void load_optimizer(const std::filesystem::path& path, AdamW<Scalar>& optimizer) {
  const io::TensorSource file = io::open_tensors(path);
  std::map<std::string, typename AdamW<Scalar>::State> state;
  for (const io::StoredTensor& tensor : file.tensors()) {
    constexpr std::string_view prefix = "steps.";
    if (!tensor.name.starts_with(prefix)) continue;
    const std::string name = tensor.name.substr(prefix.size());
    state[name] = {file.read<Scalar, 1>("first." + name), file.read<Scalar, 1>("second." + name),
                   static_cast<Index>(file.read<std::int64_t, 1>(tensor.name).item())};
  }
  if (3 * state.size() != file.tensors().size()) {
    io::refuse_file(path.string(), "holds other tensors than moments");
  }
  optimizer.state = std::move(state);
}

}  // namespace tessera::run
