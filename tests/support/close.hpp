#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "support/catch.hpp"
#include "support/tolerance.hpp"
#include "tessera/core/tensor.hpp"

namespace tessera::test {

using Values = std::vector<double>;

template <class Scalar, int Rank>
Values values_of(const Tensor<Scalar, Rank>& tensor) {
  return {tensor.begin(), tensor.end()};
}

/// Largest |found - expected|, relative to the largest |expected| (but at least to one). Infinite
/// if the counts differ or a value is not finite.
inline double distance(const Values& found, const Values& expected) {
  if (found.size() != expected.size()) return std::numeric_limits<double>::infinity();
  double largest = 1;
  double apart = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    const double difference = std::abs(found[i] - expected[i]);
    if (!std::isfinite(difference)) return std::numeric_limits<double>::infinity();
    largest = std::max(largest, std::abs(expected[i]));
    apart = std::max(apart, difference);
  }
  return apart / largest;
}

/// Same shape, and values that agree within the tolerance of Scalar.
template <class Scalar, class Other, int Rank>
void check_close(const Tensor<Scalar, Rank>& found, const Tensor<Other, Rank>& expected) {
  CHECK(found.shape() == expected.shape());
  CHECK(distance(values_of(found), values_of(expected)) <= tolerance<Scalar>);
}

}  // namespace tessera::test
