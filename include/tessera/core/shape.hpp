#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>

#include "tessera/core/ieee.hpp"

namespace tessera {

/// Signed, like Eigen's, so that differences and loops need no care.
using Index = std::ptrdiff_t;

/// Sizes of a tensor, outermost axis first. The rank is static, the sizes are not.
template <int Rank>
using Shape = std::array<Index, static_cast<std::size_t>(Rank)>;

/// Number of elements of `shape`; 1 for rank 0.
template <std::size_t Rank>
constexpr Index element_count(const std::array<Index, Rank>& shape) {
  Index count = 1;
  for (const Index extent : shape) count *= extent;
  return count;
}

/// "[2, 3, 4]", as error messages print it.
inline std::string to_string(std::span<const Index> shape) {
  std::string text = "[";
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    if (axis > 0) text += ", ";
    text += std::to_string(shape[axis]);
  }
  return text + "]";
}

}  // namespace tessera
