#pragma once

#include <array>
#include <cmath>
#include <concepts>
#include <limits>
#include <numbers>

#include "tessera/kernels/simd/vector.hpp"

// Functions of vectors of floats, and beside each the one of a single number, which formulas call
// by the same name.

namespace tessera::kernels {

/// Value of a polynomial at x, coefficients from the highest power down.
template <class Vector, std::size_t Count>
[[gnu::always_inline]] inline void polynomial(const Vector& x,
                                              const std::array<float, Count>& coefficients,
                                              Vector& value) {
  value = Vector{} + coefficients[0];
#pragma GCC unroll 16
  for (std::size_t i = 1; i < Count; ++i) value = value * x + coefficients[i];
}

/// e^x to 2 units in the last place; 0 below x = -87.3, and never infinite: x is cut off at 88.
/// x = n ln 2 + r with |r| <= ln 2 / 2, so e^x = 2^n (1 + r + r^2 q(r)); q is a minimax polynomial.
template <class Vector>
[[gnu::always_inline]] inline void exp(const Vector& argument, Vector& value) {
  using Integers = typename VectorTraits<Vector>::Integers;
  const Vector lowest = Vector{} - 87.3F;
  const Vector highest = Vector{} + 88.0F;
  const Vector zero{};
  const Vector x = argument < lowest ? lowest : argument > highest ? highest : argument;
  // x / ln 2 + 127.5 is positive: without its fraction it is n + 127, n the nearest integer.
  const Integers exponent = __builtin_convertvector(x * 1.44269504F + 127.5F, Integers);
  const Vector whole = __builtin_convertvector(exponent, Vector) - 127.0F;
  const Vector r = x - whole * 0.693359375F - whole * -2.12194440e-4F;  // ln 2 in two parts
  Vector q;
  polynomial(r, std::array{1.3814539e-3F, 8.368745e-3F, 4.166839e-2F, 0.16666521F, 0.5F}, q);
  const Vector mantissa = r * r * q + r + 1.0F;
  const Integers power = exponent << 23;  // the bits of 2^n
  value = argument < lowest ? zero : mantissa * __builtin_bit_cast(Vector, power);
}
template <std::floating_point Scalar>
[[gnu::always_inline]] inline void exp(const Scalar& x, Scalar& value) {
  value = std::exp(x);
}

/// The normal distribution at x: cdf = P(X <= x), and bell = e^(-x^2 / 2).
/// For a = |x|, P(X > a) = bell * t p(t) with t = 1 / (1 + 0.26 a), as Abramowitz & Stegun 7.1.26
/// have it with a shorter p: this one is good to 2.2e-8. Both tails keep their relative accuracy,
/// which 1 + erf loses at negative x.
template <class Vector>
[[gnu::always_inline]] inline void normal(const Vector& x, Vector& cdf, Vector& bell) {
  using Bits = typename VectorTraits<Vector>::Bits;
  const Vector zero{};
  const Vector a = __builtin_bit_cast(Vector, __builtin_bit_cast(Bits, x) & 0x7fffffffU);
  const Vector t = 1.0F / (a * 0.26F + 1.0F);
  Vector p;
  polynomial(t,
             std::array{3.0783695e-2F, -0.1541898F, 0.2543188F, -0.15420741F, 0.163221015F,
                        5.004675e-2F, 0.10328546F, 0.10298021F, 0.103761265F},
             p);
  exp(x * x * -0.5F, bell);
  const Vector tail = bell * t * p;
  cdf = x < zero ? tail : 1.0F - tail;
}
template <std::floating_point Scalar>
[[gnu::always_inline]] inline void normal(const Scalar& x, Scalar& cdf, Scalar& bell) {
  cdf = Scalar(0.5) * (Scalar(1) + std::erf(x * (std::numbers::sqrt2_v<Scalar> / 2)));
  bell = std::exp(-x * x / 2);
}

/// sigmoid(x) = 1 / (1 + e^-x), from e^-|x|, which does not overflow.
template <class Vector>
[[gnu::always_inline]] inline void sigmoid(const Vector& x, Vector& value) {
  const Vector zero{};
  const Vector one = zero + 1;
  Vector power;
  exp(x < zero ? x : -x, power);
  value = (x < zero ? power : one) / (one + power);
}

/// The square root of x >= 0 to 2 units in the last place; of a number below 1.2e-38, which has
/// fewer digits itself, something between 0 and the root. Newton's iteration for 1 / sqrt(x) from
/// the guess that halving the exponent gives; vectors have no sign for the instruction.
template <class Vector>
[[gnu::always_inline]] inline void square_root(const Vector& x, Vector& root) {
  using Integers = typename VectorTraits<Vector>::Integers;
  const Integers guess = 0x5f375a86 - (__builtin_bit_cast(Integers, x) >> 1);
  Vector inverse = __builtin_bit_cast(Vector, guess);
#pragma GCC unroll 3
  for (int i = 0; i < 3; ++i) inverse *= 1.5F - 0.5F * x * inverse * inverse;
  const Vector near = x * inverse;
  const Vector infinity = Vector{} + std::numeric_limits<float>::infinity();
  root = x < infinity ? near + 0.5F * inverse * (x - near * near) : x;
}
template <std::floating_point Scalar>
[[gnu::always_inline]] inline void square_root(const Scalar& x, Scalar& root) {
  root = std::sqrt(x);
}

}  // namespace tessera::kernels
