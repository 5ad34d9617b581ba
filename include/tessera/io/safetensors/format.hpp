#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tessera/core/error.hpp"
#include "tessera/io/safetensors/options.hpp"
#include "tessera/io/tensors/dtype.hpp"
#include "tessera/io/tensors/limits.hpp"
#include "tessera/io/tensors/metadata.hpp"
#include "tessera/io/text/printable.hpp"

namespace tessera::io {

/// Bounds of a file; one that holds more is refused.
struct SafetensorsLimits {
  /// The format allows 100 MB; a header of 50,000 tensors, more than any model has, takes 6 MB.
  static constexpr std::uint64_t header_bytes = 10'000'000;
  static constexpr std::size_t tensors = 50'000;
  static constexpr std::size_t metadata = 10'000;       // keys
  static constexpr std::size_t text_bytes = 2'000'000;  // of one key or value
};

/// One tensor of a file. Its bytes are [begin, end) of the data that follows the header.
struct SafetensorsEntry {
  std::string name;
  Dtype dtype = Dtype::f32;
  std::vector<Index> shape;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;

  Index element_count() const { return static_cast<Index>(end - begin) / dtype_size(dtype); }
};

struct SafetensorsHeader {
  TensorMetadata metadata;
  std::vector<SafetensorsEntry> entries;  // in the order of their bytes
};

}  // namespace tessera::io
