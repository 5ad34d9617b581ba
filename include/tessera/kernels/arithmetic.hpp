#pragma once

#include <type_traits>

#include "tessera/kernels/simd/elementwise.hpp"

namespace tessera::kernels {

namespace detail {

#if defined(__GNUC__)
struct Sum {
  template <class Vector>
  [[gnu::always_inline]] static void step(Index at, Index count, const float* a, const float* b,
                                          float* out) {
    Vector left, right;
    load_part(left, a + at, count);
    load_part(right, b + at, count);
    left += right;
    store_part(left, out + at, count);
  }
};

struct Product {
  template <class Vector>
  [[gnu::always_inline]] static void step(Index at, Index count, const float* a, const float* b,
                                          float* out) {
    Vector left, right;
    load_part(left, a + at, count);
    load_part(right, b + at, count);
    left *= right;
    store_part(left, out + at, count);
  }
};

struct Scaled {
  template <class Vector>
  [[gnu::always_inline]] static void step(Index at, Index count, float factor, float* x) {
    Vector value;
    load_part(value, x + at, count);
    value *= factor;
    store_part(value, x + at, count);
  }
};

struct ProductSums {
  template <class Vector>
  [[gnu::always_inline]] static void step(Index at, Index count, const float* a, const float* b,
                                          Vector* sums) {
    Vector left, right;
    load_part(left, a + at, count);
    load_part(right, b + at, count);
    *sums += left * right;
  }
};

struct DotOfRows {
  template <class Vector>
  [[gnu::always_inline]] static void run(const float* a, const float* b, Index count, float* dot) {
    Vector sums{};
    Elementwise<ProductSums>::template run<Vector>(count, a, b, &sums);
    *dot = sum_of(sums);
  }
};
#endif

}  // namespace detail

/// out[i] = a[i] + b[i]; in place if out is a or b.
template <class Scalar>
void add(const Scalar* a, const Scalar* b, Scalar* out, Index count) {
  if constexpr (has_float_kernels && std::is_same_v<Scalar, float>) {
    run_vectorised<Elementwise<detail::Sum>>(count, a, b, out);
  } else {
    for (Index i = 0; i < count; ++i) out[i] = a[i] + b[i];
  }
}

/// out[i] = a[i] * b[i]; in place if out is a or b.
template <class Scalar>
void multiply(const Scalar* a, const Scalar* b, Scalar* out, Index count) {
  if constexpr (has_float_kernels && std::is_same_v<Scalar, float>) {
    run_vectorised<Elementwise<detail::Product>>(count, a, b, out);
  } else {
    for (Index i = 0; i < count; ++i) out[i] = a[i] * b[i];
  }
}

/// x[i] *= factor.
template <class Scalar>
void scale(Scalar factor, Scalar* x, Index count) {
  if constexpr (has_float_kernels && std::is_same_v<Scalar, float>) {
    run_vectorised<Elementwise<detail::Scaled>>(count, factor, x);
  } else {
    for (Index i = 0; i < count; ++i) x[i] *= factor;
  }
}

/// Sum of a[i] * b[i].
template <class Scalar>
Scalar dot(const Scalar* a, const Scalar* b, Index count) {
  Scalar sum{};
  if constexpr (has_float_kernels && std::is_same_v<Scalar, float>) {
    run_vectorised<detail::DotOfRows>(a, b, count, &sum);
  } else {
    for (Index i = 0; i < count; ++i) sum += a[i] * b[i];
  }
  return sum;
}

}  // namespace tessera::kernels
