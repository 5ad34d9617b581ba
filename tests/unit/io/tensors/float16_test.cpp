#include "tessera/io/tensors/float16.hpp"

#include <Eigen/Core>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>

#include "support/catch.hpp"

namespace tessera::io {

namespace {

/// What IEEE 754 says the bits mean, in double: sign, exponent and mantissa bits as given.
double meaning(std::uint32_t bits, int exponent_bits, int mantissa_bits) {
  const std::uint32_t mantissa = bits & ((1U << mantissa_bits) - 1);
  const int exponent = static_cast<int>(bits >> mantissa_bits & ((1U << exponent_bits) - 1));
  const int bias = (1 << (exponent_bits - 1)) - 1;
  const double sign = (bits >> (exponent_bits + mantissa_bits) & 1) != 0 ? -1.0 : 1.0;
  if (exponent == 2 * bias + 1) {
    return mantissa == 0 ? sign * std::numeric_limits<double>::infinity()
                         : std::numeric_limits<double>::quiet_NaN();
  }
  const double fraction = std::ldexp(mantissa, -mantissa_bits);
  return sign * (exponent == 0 ? std::ldexp(fraction, 1 - bias)
                               : std::ldexp(1.0 + fraction, exponent - bias));
}

bool same(double a, double b) {
  return (std::isnan(a) && std::isnan(b)) || (a == b && std::signbit(a) == std::signbit(b));
}

struct Half {
  static constexpr int exponent_bits = 5;
  static constexpr int mantissa_bits = 10;
  static float decode(std::uint16_t bits) { return float_from_half(bits); }
  template <class T>
  static std::uint16_t encode(T value) {
    return half_from_float(value);
  }
  using Peer = Eigen::half;
};

struct Brain {
  static constexpr int exponent_bits = 8;
  static constexpr int mantissa_bits = 7;
  static float decode(std::uint16_t bits) { return float_from_bfloat16(bits); }
  template <class T>
  static std::uint16_t encode(T value) {
    return bfloat16_from_float(value);
  }
  using Peer = Eigen::bfloat16;
};

}  // namespace

TEMPLATE_TEST_CASE("all 65536 values decode to their meaning and encode to themselves", "", Half,
                   Brain) {
  int wrong_meaning = 0;
  int wrong_float = 0;
  int wrong_double = 0;
  for (std::uint32_t bits = 0; bits < 65536; ++bits) {
    const auto stored = static_cast<std::uint16_t>(bits);
    const float value = TestType::decode(stored);
    wrong_meaning += same(static_cast<double>(value),
                          meaning(bits, TestType::exponent_bits, TestType::mantissa_bits))
                         ? 0
                         : 1;
    wrong_float += TestType::encode(value) == stored ? 0 : 1;
    // Widening to double makes a signalling NaN quiet.
    wrong_double +=
        std::isnan(value) || TestType::encode(static_cast<double>(value)) == stored ? 0 : 1;
  }
  CHECK(wrong_meaning == 0);
  CHECK(wrong_float == 0);
  CHECK(wrong_double == 0);
}

TEMPLATE_TEST_CASE("values between two neighbours go to the nearer one and ties to the even one",
                   "", Half, Brain) {
  constexpr std::uint32_t infinity = ((1U << TestType::exponent_bits) - 1)
                                     << TestType::mantissa_bits;
  int wrong = 0;
  for (std::uint32_t low = 0; low < infinity; ++low) {
    // Above the largest finite value, infinity takes the place of the next power of two.
    const double below = meaning(low, TestType::exponent_bits, TestType::mantissa_bits);
    const double above = low + 1 == infinity
                             ? std::ldexp(1.0, 1 << (TestType::exponent_bits - 1))
                             : meaning(low + 1, TestType::exponent_bits, TestType::mantissa_bits);
    const double middle = (below + above) / 2;
    const std::uint32_t even = low + (low & 1);
    const auto check = [&](auto value, std::uint32_t expected) {
      wrong += TestType::encode(value) == expected ? 0 : 1;
      wrong += TestType::encode(-value) == (expected | 0x8000U) ? 0 : 1;
    };
    check(middle, even);
    check(std::nextafter(middle, 0.0), low);
    check(std::nextafter(middle, 1e300), low + 1);
    const auto single = static_cast<float>(middle);
    if (static_cast<double>(single) == middle) {
      check(single, even);
      check(std::nextafter(single, 0.0F), low);
      check(std::nextafter(single, std::numeric_limits<float>::infinity()), low + 1);
    }
  }
  CHECK(wrong == 0);
}

TEMPLATE_TEST_CASE("encoding agrees with Eigen's types on random floats", "", Half, Brain) {
  std::mt19937 random(1);
  int wrong = 0;
  for (int i = 0; i < 1'000'000; ++i) {
    const auto value = std::bit_cast<float>(static_cast<std::uint32_t>(random()));
    if (std::isnan(value)) continue;
    const auto peer = static_cast<typename TestType::Peer>(value);
    wrong += TestType::encode(value) == Eigen::numext::bit_cast<std::uint16_t>(peer) ? 0 : 1;
  }
  CHECK(wrong == 0);
}

TEMPLATE_TEST_CASE("infinities, tiny values and NaN stay what they are", "", Half, Brain) {
  constexpr auto infinity =
      static_cast<std::uint16_t>(((1U << TestType::exponent_bits) - 1) << TestType::mantissa_bits);
  CHECK(TestType::encode(std::numeric_limits<double>::infinity()) == infinity);
  CHECK(TestType::encode(-std::numeric_limits<float>::infinity()) == (infinity | 0x8000));
  CHECK(TestType::encode(1e300) == infinity);
  CHECK(TestType::encode(std::numeric_limits<double>::denorm_min()) == 0);
  CHECK(TestType::encode(-std::numeric_limits<double>::denorm_min()) == 0x8000);
  CHECK(std::isnan(TestType::decode(TestType::encode(std::nan("")))));
  // A payload that does not fit must not turn NaN into infinity.
  CHECK(std::isnan(TestType::decode(TestType::encode(std::bit_cast<float>(0x7F800001U)))));
  static_assert(half_from_float(1.0F) == 0x3C00 && bfloat16_from_float(1.0F) == 0x3F80);
}

}  // namespace tessera::io
