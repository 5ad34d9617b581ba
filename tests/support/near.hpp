#pragma once

#include <cmath>

#include "support/catch.hpp"

namespace tessera::test {

// Catch2's Approx accepts what its margin or its epsilon accepts, and its epsilon is 1.2e-5 unless
// told otherwise. So tests say which of the two they mean, and Approx stands only here.

/// x == near(value, margin): |x - value| <= margin. False for NaN.
inline Catch::Approx near(double value, double margin) {
  return Catch::Approx(value).epsilon(0).margin(margin);
}

/// x == near_relative(value, tolerance): |x - value| <= tolerance |value|. False for NaN.
inline Catch::Approx near_relative(double value, double tolerance) {
  return near(value, tolerance * std::abs(value));
}

}  // namespace tessera::test
