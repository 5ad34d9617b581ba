#pragma once

#include <cmath>
#include <concepts>
#include <numbers>
#include <type_traits>

#include "tessera/kernels/simd/elementwise.hpp"
#include "tessera/kernels/simd/vector_math.hpp"

namespace tessera::kernels {

/// x * Phi(x), with the normal distribution's exact Phi (not the tanh form).
/// Hendrycks & Gimpel, "Gaussian Error Linear Units", 2016.
template <std::floating_point Scalar>
Scalar gelu(Scalar x) {
  return Scalar(0.5) * x * (Scalar(1) + std::erf(x * std::numbers::sqrt2_v<Scalar> / 2));
}

/// d gelu / dx = Phi(x) + x * phi(x).
template <std::floating_point Scalar>
Scalar gelu_derivative(Scalar x) {
  const Scalar half_root = std::numbers::sqrt2_v<Scalar> / 2;
  const Scalar cdf = Scalar(0.5) * (Scalar(1) + std::erf(x * half_root));
  const Scalar pdf = std::numbers::inv_sqrtpi_v<Scalar> * half_root * std::exp(-x * x / 2);
  return cdf + x * pdf;
}

namespace detail {

#if defined(__GNUC__)
struct GeluForward {
  template <class Vector>
  [[gnu::always_inline]] static void step(Index at, Index count, const float* x, float* y) {
    Vector in, out;
    load_part(in, x + at, count);
    gelu(in, out);
    store_part(out, y + at, count);
  }
};

struct GeluBackward {
  template <class Vector>
  [[gnu::always_inline]] static void step(Index at, Index count, const float* x, const float* dy,
                                          float* dx) {
    Vector in, slope, gradient;
    load_part(in, x + at, count);
    load_part(gradient, dy + at, count);
    gelu_derivative(in, slope);
    gradient *= slope;
    store_part(gradient, dx + at, count);
  }
};
#endif

}  // namespace detail

/// y[i] = gelu(x[i]); in place if y is x.
template <class Scalar>
void gelu_forward(const Scalar* x, Scalar* y, Index count) {
  if constexpr (has_float_kernels && std::is_same_v<Scalar, float>) {
    run_vectorised<Elementwise<detail::GeluForward>>(count, x, y);
  } else {
    for (Index i = 0; i < count; ++i) y[i] = gelu(x[i]);
  }
}

/// dx[i] = dy[i] * gelu'(x[i]); in place if dx is dy.
template <class Scalar>
void gelu_backward(const Scalar* x, const Scalar* dy, Scalar* dx, Index count) {
  if constexpr (has_float_kernels && std::is_same_v<Scalar, float>) {
    run_vectorised<Elementwise<detail::GeluBackward>>(count, x, dy, dx);
  } else {
    for (Index i = 0; i < count; ++i) dx[i] = dy[i] * gelu_derivative(x[i]);
  }
}

}  // namespace tessera::kernels
