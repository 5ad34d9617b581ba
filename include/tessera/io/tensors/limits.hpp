#pragma once

#include <cstddef>
#include <cstdint>

namespace tessera::io {

/// Bounds of a tensor in a weights file of any format; a file with a larger one is refused. And of
/// the list of what is not read.
struct TensorLimits {
  static constexpr std::size_t rank = 16;
  static constexpr std::uint64_t dimension = std::uint64_t{1} << 48;
  static constexpr std::size_t name_bytes = 4096;
  static constexpr std::size_t skipped = 1'000;  // values of a file that are listed as left out
};

}  // namespace tessera::io
