#pragma once

#include <algorithm>
#include <cmath>
#include <limits>

#include "tessera/kernels/arithmetic.hpp"
#include "tessera/kernels/simd/vector_math.hpp"

// Softmax of one row: with m = max(x) and z = sum exp(x - m),
//
//   forward    y = exp(x - m) / z,     log(sum exp(x)) = m + log(z)
//   backward   dx = y * (dy - sum(y * dy))

namespace tessera::kernels {

namespace detail {

/// *largest = the largest of *largest and x.
struct LargestOfRow {
  template <class Vector, class Scalar>
  [[gnu::always_inline]] static void run(const Scalar* row, Index count, Scalar* largest) {
    Vector found = Vector{} + *largest;
    each_vector<Vector>(
        0, count,
        [&](const Vector& x) __attribute__((always_inline)) { found = found < x ? x : found; },
        padded(row, *largest));
    *largest = largest_of(found);
  }
};

/// In place: x[i] = exp(x[i] * scale - shift); their sum.
struct ExponentialsOfRow {
  template <class Vector, class Scalar>
  [[gnu::always_inline]] static void run(Scalar* row, Index count, Scalar scale, Scalar shift,
                                         Scalar* sum) {
    Vector sums{};
    each_vector<Vector>(
        0, count,
        [&](Vector& x) __attribute__((always_inline)) {
          Vector power;
          exp(x * scale - shift, power);
          sums += power;
          x = power;
        },
        padded(row, -std::numeric_limits<Scalar>::infinity()));
    *sum = sum_of(sums);
  }
};

struct SoftmaxBackward {
  template <class Vector, class Scalar>
  [[gnu::always_inline]] static void run(const Scalar* probabilities, Scalar* gradients,
                                         Index count) {
    const Scalar expected = sum_over<Vector>(
        count,
        [](const Vector& y, const Vector& dy, Vector& sum)
            __attribute__((always_inline)) { sum += y * dy; },
        probabilities, static_cast<const Scalar*>(gradients));
    each_vector<Vector>(
        0, count,
        [=](const Vector& y, Vector& dy)
            __attribute__((always_inline)) { dy = y * (dy - expected); },
        probabilities, gradients);
  }
};

}  // namespace detail

/// The largest of x; minus infinity if there are none.
template <class Scalar>
Scalar largest_of_row(const Scalar* x, Index count) {
  Scalar largest = -std::numeric_limits<Scalar>::infinity();
  run_vectorized<detail::LargestOfRow, Scalar>(x, count, &largest);
  return largest;
}

/// In place: x[i] = exp(x[i] * scale - shift). Returns their sum.
template <class Scalar>
Scalar exponentials_of_row(Scalar* x, Index count, Scalar scale, Scalar shift) {
  Scalar sum{};
  run_vectorized<detail::ExponentialsOfRow, Scalar>(x, count, scale, shift, &sum);
  return sum;
}

/// In place: x[i] = exp(x[i]) / sum exp(x). Returns log(sum exp(x)).
template <class Scalar>
Scalar softmax_row(Scalar* x, Index count) {
  const Scalar largest = largest_of_row<Scalar>(x, count);
  const Scalar sum = exponentials_of_row(x, count, Scalar(1), largest);
  scale(Scalar(1) / sum, x, count);
  return largest + std::log(sum);
}

/// In place: dy[i] becomes dx[i] = y[i] * (dy[i] - sum_j y[j] dy[j]).
template <class Scalar>
void softmax_row_backward(const Scalar* y, Scalar* dy, Index count) {
  run_vectorized<detail::SoftmaxBackward, Scalar>(y, dy, count);
}

}  // namespace tessera::kernels
