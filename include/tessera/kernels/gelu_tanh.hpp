#pragma once

#include <concepts>

#include "tessera/kernels/simd/elementwise.hpp"
#include "tessera/kernels/simd/vector_math.hpp"

// GELU in its tanh form: x (1 + tanh u) / 2 with u = sqrt(2 / pi) (x + 0.044715 x^3). Written as
// x * sigmoid(2u), which is the same number and keeps its digits at negative x.
// Hendrycks & Gimpel, "Gaussian Error Linear Units", 2016, 2.

namespace tessera::kernels {

namespace detail {

inline constexpr double two_root_two_over_pi = 1.5957691216057308;  // 2 sqrt(2 / pi)
inline constexpr double cubic_share = 0.044715;

/// 2u of the formula above.
template <class Value>
[[gnu::always_inline]] inline void gelu_tanh_exponent(const Value& x, Value& two_u) {
  constexpr auto root = static_cast<ElementOf<Value>>(two_root_two_over_pi);
  constexpr auto cubic = static_cast<ElementOf<Value>>(cubic_share);
  two_u = (x * x * cubic + 1) * (x * root);
}

}  // namespace detail

template <class Value>
[[gnu::always_inline]] inline void gelu_tanh(const Value& x, Value& y) {
  Value two_u, s;
  detail::gelu_tanh_exponent(x, two_u);
  sigmoid(two_u, s);
  y = x * s;
}

/// d gelu_tanh / dx = s + x s (1 - s) 2u' with s = sigmoid(2u).
template <class Value>
[[gnu::always_inline]] inline void gelu_tanh_derivative(const Value& x, Value& slope) {
  constexpr auto root = static_cast<ElementOf<Value>>(detail::two_root_two_over_pi);
  constexpr auto cubic = static_cast<ElementOf<Value>>(detail::cubic_share);
  Value two_u, s, one_minus_s;
  detail::gelu_tanh_exponent(x, two_u);
  sigmoid(two_u, s);
  const Value minus_two_u = -two_u;
  sigmoid(minus_two_u, one_minus_s);  // 1 - s would lose its digits where s is near 1
  slope = s + x * s * one_minus_s * (x * x * (3 * cubic * root) + root);
}

template <std::floating_point Scalar>
Scalar gelu_tanh(Scalar x) {
  Scalar y;
  gelu_tanh(x, y);
  return y;
}
template <std::floating_point Scalar>
Scalar gelu_tanh_derivative(Scalar x) {
  Scalar slope;
  gelu_tanh_derivative(x, slope);
  return slope;
}

/// y[i] = gelu_tanh(x[i]); overwrites y, which may be x.
template <class Scalar>
void gelu_tanh_forward(const Scalar* x, Scalar* y, Index count) {
  elementwise<Scalar>(
      count, [](const auto& in, auto& out) __attribute__((always_inline)) { gelu_tanh(in, out); },
      x, written(y));
}

/// dx[i] = dy[i] * gelu_tanh'(x[i]); overwrites dx, which may be dy.
template <class Scalar>
void gelu_tanh_backward(const Scalar* x, const Scalar* dy, Scalar* dx, Index count) {
  elementwise<Scalar>(
      count,
      [](const auto& in, const auto& upstream, auto& result) __attribute__((always_inline)) {
        auto slope = in;
        gelu_tanh_derivative(in, slope);
        result = upstream * slope;
      },
      x, dy, written(dx));
}

}  // namespace tessera::kernels
