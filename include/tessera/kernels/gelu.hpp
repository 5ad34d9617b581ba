#pragma once

#include <cmath>
#include <numbers>

#include "tessera/core/shape.hpp"

namespace tessera::kernels {

/// x * Phi(x), with the normal distribution's exact Phi (not the tanh form).
/// Hendrycks & Gimpel, "Gaussian Error Linear Units", 2016.
template <class Scalar>
Scalar gelu(Scalar x) {
  return Scalar(0.5) * x * (Scalar(1) + std::erf(x * std::numbers::sqrt2_v<Scalar> / 2));
}

/// d gelu / dx = Phi(x) + x * phi(x).
template <class Scalar>
Scalar gelu_derivative(Scalar x) {
  const Scalar half_root = std::numbers::sqrt2_v<Scalar> / 2;
  const Scalar cdf = Scalar(0.5) * (Scalar(1) + std::erf(x * half_root));
  const Scalar pdf = std::numbers::inv_sqrtpi_v<Scalar> * half_root * std::exp(-x * x / 2);
  return cdf + x * pdf;
}

/// y[i] = gelu(x[i]); in place if y is x.
template <class Scalar>
void gelu_forward(const Scalar* x, Scalar* y, Index count) {
  for (Index i = 0; i < count; ++i) y[i] = gelu(x[i]);
}

/// dx[i] = dy[i] * gelu'(x[i]); in place if dx is dy.
template <class Scalar>
void gelu_backward(const Scalar* x, const Scalar* dy, Scalar* dx, Index count) {
  for (Index i = 0; i < count; ++i) dx[i] = dy[i] * gelu_derivative(x[i]);
}

}  // namespace tessera::kernels
