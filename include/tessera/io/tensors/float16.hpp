#pragma once

#include <bit>
#include <cstdint>

namespace tessera::io {

namespace detail {

/// value / 2^shift, rounded to nearest, ties to even. 1 <= shift <= 31.
constexpr std::uint32_t shifted_to_nearest_even(std::uint32_t value, std::uint32_t shift) {
  const std::uint32_t tie = std::uint32_t{1} << (shift - 1);
  const std::uint32_t rest = value & ((tie << 1) - 1);
  const std::uint32_t quotient = value >> shift;
  const bool up = rest > tie || (rest == tie && (quotient & 1) != 0);
  return quotient + (up ? 1 : 0);
}

/// Rounds to float so that a second rounding, to 16 bits, gives what one rounding would have:
/// towards zero, with the last bit set when anything was lost ("round to odd").
constexpr float rounded_to_odd(double value) {
  const auto nearest = static_cast<float>(value);
  const auto back = static_cast<double>(nearest);
  if (!(back < value) && !(back > value)) return nearest;  // NaN is neither
  std::uint32_t bits = std::bit_cast<std::uint32_t>(nearest);
  const bool away_from_zero = value < 0 ? back < value : back > value;
  if (away_from_zero) --bits;
  return std::bit_cast<float>(bits | 1);
}

}  // namespace detail

/// The value of an IEEE 754 binary16, exactly; a NaN keeps its payload.
constexpr float float_from_half(std::uint16_t half) {
  const std::uint32_t sign = (half & 0x8000U) << 16;
  const std::uint32_t exponent = (half >> 10) & 0x1FU;
  const std::uint32_t mantissa = half & 0x3FFU;
  if (exponent == 0) {
    const float magnitude = static_cast<float>(mantissa) * 0x1p-24F;
    return std::bit_cast<float>(sign | std::bit_cast<std::uint32_t>(magnitude));
  }
  const std::uint32_t biased = exponent == 0x1F ? 0xFF : exponent + (127 - 15);
  return std::bit_cast<float>(sign | biased << 23 | mantissa << 13);
}

/// The nearest IEEE 754 binary16, ties to even; too large becomes infinity.
constexpr std::uint16_t half_from_float(float value) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t sign = bits >> 16 & 0x8000U;
  const std::uint32_t magnitude = bits & 0x7FFFFFFFU;
  std::uint32_t half = 0;
  if (magnitude > 0x7F800000U) {  // NaN: the upper payload bits, never none
    const std::uint32_t payload = magnitude >> 13 & 0x3FFU;
    half = 0x7C00U | (payload != 0 ? payload : 0x200U);
  } else if (magnitude >= 0x47800000U) {  // 65536 and more
    half = 0x7C00U;
  } else if (magnitude >= 0x38800000U) {  // normal: from 2^-14 on; a carry reaches the exponent
    half = detail::shifted_to_nearest_even(magnitude - (std::uint32_t{127 - 15} << 23), 13);
  } else if (magnitude > 0x33000000U) {  // subnormal: in units of 2^-24, above half a unit
    const std::uint32_t mantissa = (magnitude & 0x7FFFFFU) | 0x800000U;
    half = detail::shifted_to_nearest_even(mantissa, 126 - (magnitude >> 23));
  }
  return static_cast<std::uint16_t>(sign | half);
}
constexpr std::uint16_t half_from_float(double value) {
  return half_from_float(detail::rounded_to_odd(value));
}

/// The value of a bfloat16, exactly.
constexpr float float_from_bfloat16(std::uint16_t bfloat16) {
  return std::bit_cast<float>(std::uint32_t{bfloat16} << 16);
}

/// The nearest bfloat16, ties to even; too large becomes infinity.
constexpr std::uint16_t bfloat16_from_float(float value) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(value);
  if ((bits & 0x7FFFFFFFU) > 0x7F800000U) {  // NaN: the upper payload bits, never none
    const bool payload = (bits >> 16 & 0x7FU) != 0;
    return static_cast<std::uint16_t>(bits >> 16 | (payload ? 0 : 0x40U));
  }
  return static_cast<std::uint16_t>(detail::shifted_to_nearest_even(bits, 16));
}
constexpr std::uint16_t bfloat16_from_float(double value) {
  return bfloat16_from_float(detail::rounded_to_odd(value));
}

}  // namespace tessera::io
