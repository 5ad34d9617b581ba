#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "tessera/io/source/tensor_source.hpp"

namespace tessera::io::fuzz {

/// An input must be read or refused with std::runtime_error("input: ..."). Anything else, other
/// exceptions included, ends the run.
template <class Action>
void read_or_refuse(const Action& action) {
  try {
    action();
  } catch (const std::runtime_error& error) {
    if (!std::string_view(error.what()).starts_with("input: ")) std::abort();
  }
}

inline void require_that(bool ok) {
  if (!ok) std::abort();
}

/// Reads every tensor of moderate size in every way.
inline void read_all(const TensorSource& source) {
  for (const StoredTensor& tensor : source.tensors()) {
    const Index count = tensor.element_count();
    require_that(count >= 0 && &source.tensor(tensor.name) == &tensor);
    if (count > 10'000) continue;
    std::vector<float> floats(static_cast<std::size_t>(count));
    std::vector<double> doubles(static_cast<std::size_t>(count));
    std::vector<std::int64_t> integers(static_cast<std::size_t>(count));
    const auto flags = std::make_unique<bool[]>(static_cast<std::size_t>(count));
    const std::string& name = tensor.name;
    read_or_refuse([&] { source.read_into(name, std::span(floats)); });
    read_or_refuse([&] { source.read_into(name, std::span(doubles)); });
    read_or_refuse([&] { source.read_into(name, std::span(integers)); });
    read_or_refuse([&] { source.read_into(name, std::span(flags.get(), floats.size())); });
  }
}

inline std::span<const std::byte> bytes_of(const std::uint8_t* data, std::size_t size) {
  return std::as_bytes(std::span(data, size));
}

}  // namespace tessera::io::fuzz
