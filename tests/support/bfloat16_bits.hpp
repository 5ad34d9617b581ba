#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

#include "support/random_tensor.hpp"

namespace tessera::test {

/// What the hardware's rule says: to the nearest, ties to even, by plain integers.
inline std::uint32_t bfloat16_bits(float x) {
  if (std::isnan(x)) return 0x7fc0U;
  const auto bits = std::bit_cast<std::uint32_t>(x);
  const std::uint32_t below = bits & 0xffffU;
  const bool up = below > 0x8000U || (below == 0x8000U && (bits >> 16) % 2 == 1);
  return (bits >> 16) + (up ? 1U : 0U);
}

/// Signed zeros, infinities, not a number, the largest one, ties, and noise. Numbers that are not
/// normal are left out: the hardware takes them for zero.
inline std::vector<float> hard_values() {
  const float infinity = std::numeric_limits<float>::infinity();
  std::vector<float> values{0.0F,
                            -0.0F,
                            1.0F,
                            -1.0F,
                            infinity,
                            -infinity,
                            std::numeric_limits<float>::quiet_NaN(),
                            std::numeric_limits<float>::max(),
                            std::bit_cast<float>(0x3f808000U),  // ties
                            std::bit_cast<float>(0x3f818000U),
                            std::bit_cast<float>(0xbf808001U)};
  for (const float value : random_tensor<1, float>({85}, 1)) values.push_back(value);
  return values;
}

}  // namespace tessera::test
