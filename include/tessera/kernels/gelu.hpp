#pragma once

#include <concepts>

#include "tessera/kernels/simd/elementwise.hpp"
#include "tessera/kernels/simd/vector_math.hpp"

// GELU of vectors and numbers: x * P(X <= x) with the normal distribution's exact probability, not
// the tanh form. Hendrycks & Gimpel, "Gaussian Error Linear Units", 2016.

namespace tessera::kernels {

template <class Value>
[[gnu::always_inline]] inline void gelu(const Value& x, Value& y) {
  Value cdf, bell;
  normal(x, cdf, bell);
  y = x * cdf;
}

/// d gelu / dx = cdf + x * density; the density is bell / sqrt(2 pi).
template <class Value>
[[gnu::always_inline]] inline void gelu_derivative(const Value& x, Value& slope) {
  constexpr auto inverse_root = static_cast<ElementOf<Value>>(0.398942280401432677939946059934L);
  Value cdf, bell;
  normal(x, cdf, bell);
  slope = x * bell * inverse_root + cdf;
}

template <std::floating_point Scalar>
Scalar gelu(Scalar x) {
  Scalar y;
  gelu(x, y);
  return y;
}
template <std::floating_point Scalar>
Scalar gelu_derivative(Scalar x) {
  Scalar slope;
  gelu_derivative(x, slope);
  return slope;
}

/// y[i] = gelu(x[i]); overwrites y, which may be x.
template <class Scalar>
void gelu_forward(const Scalar* x, Scalar* y, Index count) {
  elementwise<Scalar>(
      count, [](const auto& in, auto& out) __attribute__((always_inline)) { gelu(in, out); }, x,
      written(y));
}

/// dx[i] = dy[i] * gelu'(x[i]); overwrites dx, which may be dy.
template <class Scalar>
void gelu_backward(const Scalar* x, const Scalar* dy, Scalar* dx, Index count) {
  elementwise<Scalar>(
      count,
      [](const auto& in, const auto& upstream, auto& result) __attribute__((always_inline)) {
        auto slope = in;
        gelu_derivative(in, slope);
        result = upstream * slope;
      },
      x, dy, written(dx));
}

}  // namespace tessera::kernels
