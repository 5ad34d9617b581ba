#pragma once

#include <cstdint>

#include "tessera/core/random/generator.hpp"

namespace tessera::test {

/// Uniform in [-1, 1). The numbers are drawn in double, so float has the same ones rounded.
template <int Rank, class Scalar = double>
Tensor<Scalar, Rank> random_tensor(const Shape<Rank>& shape, std::uint64_t seed) {
  Generator generator(seed);
  auto values = Tensor<Scalar, Rank>::empty(shape);
  for (Scalar& value : values) value = static_cast<Scalar>(generator.uniform(-1.0, 1.0));
  return values;
}

}  // namespace tessera::test
