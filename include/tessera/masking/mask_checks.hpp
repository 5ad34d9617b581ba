#pragma once

#include <cmath>
#include <string_view>

#include "tessera/core/error.hpp"

namespace tessera::detail {

inline void check_ratio(std::string_view op, std::string_view name, double ratio) {
  if (!(ratio >= 0.0 && ratio <= 1.0)) refuse(op, name, " = ", ratio, " is outside [0, 1]");
}

/// {batch, length} or {batch, height, width}: all at least 1.
template <std::size_t Rank>
void check_mask_size(std::string_view op, const std::array<Index, Rank>& size) {
  for (const Index extent : size) {
    if (extent < 1) refuse(op, "size ", size, " must be at least 1 on every axis");
  }
}

inline void check_aspects(std::string_view op, double low, double high) {
  if (!(low >= 1e-3 && low <= high && high <= 1e3)) {
    refuse(op, "aspect ratios [", low, ", ", high, "] must be in order and within [0.001, 1000]");
  }
}

/// int(count * (1 - ratio)) of Python: in double, the difference first. 10 * (1 - 0.9) keeps none.
inline Index kept_count(Index count, double ratio) {
  return static_cast<Index>(static_cast<double>(count) * (1.0 - ratio));
}

/// int(count * ratio) of Python.
inline Index masked_count(Index count, double ratio) {
  return static_cast<Index>(static_cast<double>(count) * ratio);
}

/// Python's round(): half to even, whatever the rounding mode.
inline Index round_half_even(double value) {
  return static_cast<Index>(value - std::remainder(value, 1.0));
}

}  // namespace tessera::detail
