#pragma once

#include "tessera/kernels/simd/elementwise.hpp"

namespace tessera::kernels {

/// out[i] = a[i] + b[i]; overwrites out, which may be a or b.
template <class Scalar>
void add(const Scalar* a, const Scalar* b, Scalar* out, Index count) {
  elementwise<Scalar>(
      count,
      [](const auto& x, const auto& y, auto& sum) __attribute__((always_inline)) { sum = x + y; },
      a, b, written(out));
}

/// out[i] = a[i] * b[i]; overwrites out, which may be a or b.
template <class Scalar>
void multiply(const Scalar* a, const Scalar* b, Scalar* out, Index count) {
  elementwise<Scalar>(
      count,
      [](const auto& x, const auto& y, auto& product)
          __attribute__((always_inline)) { product = x * y; },
      a, b, written(out));
}

/// x[i] *= factor.
template <class Scalar>
void scale(Scalar factor, Scalar* x, Index count) {
  elementwise<Scalar>(
      count, [=](auto& value) __attribute__((always_inline)) { value *= factor; }, x);
}

namespace detail {

struct Dot {
  template <class Vector, class Scalar>
  [[gnu::always_inline]] static void run(const Scalar* a, const Scalar* b, Index count,
                                         Scalar* dot) {
    Vector sums{};
    each_vector<Vector>(
        0, count,
        [&](const Vector& x, const Vector& y) __attribute__((always_inline)) { sums += x * y; }, a,
        b);
    *dot = sum_of(sums);
  }
};

}  // namespace detail

/// Sum of a[i] * b[i], for short rows: as many sums run side by side as a vector has lanes.
template <class Scalar>
Scalar dot(const Scalar* a, const Scalar* b, Index count) {
  Scalar sum{};
  run_vectorized<detail::Dot, Scalar>(a, b, count, &sum);
  return sum;
}

}  // namespace tessera::kernels
