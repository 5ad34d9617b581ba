#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tessera/core/error.hpp"
#include "tessera/io/tensors/dtype.hpp"
#include "tessera/io/text/name_text.hpp"

namespace tessera::io {

/// What a file may hold at most; beyond it, it is refused.
struct SafetensorsLimits {
  /// The format allows 100 MB; a header of 50,000 tensors, more than any model has, takes 6 MB.
  static constexpr std::uint64_t header_bytes = 10'000'000;
  static constexpr std::size_t tensors = 50'000;
  static constexpr std::size_t metadata = 10'000;       // keys
  static constexpr std::size_t name_bytes = 4096;       // of a tensor
  static constexpr std::size_t text_bytes = 2'000'000;  // of one key or value
  static constexpr std::size_t rank = 16;
  static constexpr std::uint64_t dimension = std::uint64_t{1} << 48;
};

struct SafetensorsOptions {
  /// Bytes after the last tensor are an error unless this is set.
  bool allow_trailing_bytes = false;
};

using SafetensorsMetadata = std::map<std::string, std::string, std::less<>>;

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
  SafetensorsMetadata metadata;
  std::vector<SafetensorsEntry> entries;  // in the order of their bytes
};

namespace detail {

/// Bytes that values of this shape need, or nothing if some product of sizes is beyond 63 bits.
/// A size of 0 counts as 1 in that check: the other sizes alone must not overflow either.
inline std::optional<std::uint64_t> byte_count(std::span<const Index> shape, Dtype dtype) {
  Index bytes = dtype_size(dtype);
  bool empty = false;
  for (const Index extent : shape) {
    empty = empty || extent == 0;
    if (__builtin_mul_overflow(bytes, std::max<Index>(extent, 1), &bytes)) return std::nullopt;
  }
  return empty ? 0 : static_cast<std::uint64_t>(bytes);
}

}  // namespace detail
}  // namespace tessera::io
