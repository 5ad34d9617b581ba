#pragma once

namespace tessera::test {

/// How far two ways to compute the same may drift apart, relative to the largest value (but at
/// least to one).
template <class Scalar>
inline constexpr double tolerance = 1e-12;
template <>
inline constexpr double tolerance<float> = 2e-5;

/// Largest relative difference between a gradient in double and central differences.
inline constexpr double gradient_tolerance = 1e-5;

}  // namespace tessera::test
