#pragma once

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <limits>
#include <type_traits>

#include "tessera/core/tensor.hpp"
#include "tessera/kernels/arithmetic.hpp"
#include "tessera/kernels/simd/vector_math.hpp"

namespace tessera::kernels {

namespace detail {

#if defined(__GNUC__)
/// *largest = the largest of *largest and x.
struct LargestOfRow {
  template <class Vector>
  [[gnu::always_inline]] static void run(const float* x, Index count, float* largest) {
    Vector value, found = Vector{} + *largest;
    Index at = 0;
    for (; at + lanes<Vector> <= count; at += lanes<Vector>) {
      load(value, x + at);
      found = found < value ? value : found;
    }
    if (at < count) {
      load_part(value, x + at, count - at, *largest);
      found = found < value ? value : found;
    }
    *largest = largest_of(found);
  }
};

/// In place: x[i] = exp(x[i] * scale - shift); their sum.
struct ExponentialsOfRow {
  template <class Vector>
  [[gnu::always_inline]] static void run(float* x, Index count, float scale, float shift,
                                         float* sum) {
    Vector value, power, sums{};
    Index at = 0;
    for (; at + lanes<Vector> <= count; at += lanes<Vector>) {
      load(value, x + at);
      exp(value * scale - shift, power);
      sums += power;
      store(power, x + at);
    }
    if (at < count) {
      load_part(value, x + at, count - at, -std::numeric_limits<float>::infinity());
      exp(value * scale - shift, power);
      sums += power;
      store_part(power, x + at, count - at);
    }
    *sum = sum_of(sums);
  }
};
#endif

}  // namespace detail

/// In place: x[i] = exp(x[i] * scale - largest), scale > 0; `largest` first becomes the largest of
/// itself and the scaled x. Returns the sum.
template <class Scalar>
Scalar exponentials_of_row(Scalar* x, Index count, Scalar scale, Scalar& largest) {
  if constexpr (has_float_kernels && std::is_same_v<Scalar, float>) {
    float unscaled = -std::numeric_limits<float>::infinity();
    float sum = 0;
    run_vectorised<detail::LargestOfRow, const float*>(x, count, &unscaled);
    largest = std::max(largest, unscaled * scale);
    run_vectorised<detail::ExponentialsOfRow>(x, count, scale, largest, &sum);
    return sum;
  } else {
    ArrayMap<Scalar> row(x, count);
    largest = std::max(largest, row.maxCoeff() * scale);
    row = (row * scale - largest).exp();
    return row.sum();
  }
}

/// In place: x[i] = exp(x[i]) / sum exp(x). Returns log(sum exp(x)).
template <class Scalar>
Scalar softmax_row(Scalar* x, Index count) {
  Scalar largest = -std::numeric_limits<Scalar>::infinity();
  const Scalar sum = exponentials_of_row(x, count, Scalar(1), largest);
  scale(Scalar(1) / sum, x, count);
  return largest + std::log(sum);
}

/// In place: dy[i] becomes dx[i] = y[i] * (dy[i] - sum_j dy[j] y[j]).
template <class Scalar>
void softmax_row_backward(const Scalar* y, Scalar* dy, Index count) {
  const ConstArrayMap<Scalar> probability(y, count);
  ArrayMap<Scalar> gradient(dy, count);
  const Scalar dot = (probability * gradient).sum();
  gradient = probability * (gradient - dot);
}

}  // namespace tessera::kernels
