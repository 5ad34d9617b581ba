#pragma once

#include <cmath>
#include <concepts>
#include <type_traits>

#include "tessera/kernels/simd/elementwise.hpp"
#include "tessera/kernels/simd/vector_math.hpp"

namespace tessera::kernels {

namespace detail {

inline constexpr double two_root_two_over_pi = 1.5957691216057308;  // 2 sqrt(2 / pi)
inline constexpr double cubic_share = 0.044715;

}  // namespace detail

/// GELU in its tanh form: x (1 + tanh u) / 2 with u = sqrt(2 / pi) (x + 0.044715 x^3). Written as
/// x / (1 + e^(-2u)), which is the same number and keeps its digits at negative x.
/// Hendrycks & Gimpel, "Gaussian Error Linear Units", 2016, 2.
template <std::floating_point Scalar>
Scalar gelu_tanh(Scalar x) {
  const auto two_u = static_cast<Scalar>(detail::two_root_two_over_pi) *
                     (x + static_cast<Scalar>(detail::cubic_share) * x * x * x);
  return x / (Scalar(1) + std::exp(-two_u));
}

/// d gelu_tanh / dx = s + x s (1 - s) 2u' with s = 1 / (1 + e^(-2u)).
template <std::floating_point Scalar>
Scalar gelu_tanh_derivative(Scalar x) {
  const auto root = static_cast<Scalar>(detail::two_root_two_over_pi);
  const auto cubic = static_cast<Scalar>(detail::cubic_share);
  const Scalar two_u = root * (x + cubic * x * x * x);
  const Scalar s = Scalar(1) / (Scalar(1) + std::exp(-two_u));
  return s + x * s * (Scalar(1) - s) * root * (Scalar(1) + Scalar(3) * cubic * x * x);
}

namespace detail {

#if defined(__GNUC__)
/// 2u of the functions above.
template <class Vector>
[[gnu::always_inline]] inline void gelu_tanh_exponent(const Vector& x, Vector& two_u) {
  constexpr auto root = static_cast<float>(two_root_two_over_pi);
  constexpr auto cubic = static_cast<float>(cubic_share);
  two_u = (x * x * cubic + 1.0F) * (x * root);
}

struct GeluTanhForward {
  template <class Vector>
  [[gnu::always_inline]] static void step(Index at, Index count, const float* x, float* y) {
    Vector in, two_u, s;
    load_part(in, x + at, count);
    gelu_tanh_exponent(in, two_u);
    sigmoid(two_u, s);
    in *= s;
    store_part(in, y + at, count);
  }
};

struct GeluTanhBackward {
  template <class Vector>
  [[gnu::always_inline]] static void step(Index at, Index count, const float* x, const float* dy,
                                          float* dx) {
    constexpr auto root = static_cast<float>(two_root_two_over_pi);
    constexpr auto cubic = static_cast<float>(cubic_share);
    Vector in, two_u, s, rest, gradient;
    load_part(in, x + at, count);
    load_part(gradient, dy + at, count);
    gelu_tanh_exponent(in, two_u);
    sigmoid(two_u, s);
    sigmoid(-two_u, rest);  // 1 - s, without its loss of digits where s is near 1
    gradient *= s + in * s * rest * (in * in * (3.0F * cubic * root) + root);
    store_part(gradient, dx + at, count);
  }
};
#endif

}  // namespace detail

/// y[i] = gelu_tanh(x[i]); in place if y is x.
template <class Scalar>
void gelu_tanh_forward(const Scalar* x, Scalar* y, Index count) {
  if constexpr (has_float_kernels && std::is_same_v<Scalar, float>) {
    run_vectorised<Elementwise<detail::GeluTanhForward>>(count, x, y);
  } else {
    for (Index i = 0; i < count; ++i) y[i] = gelu_tanh(x[i]);
  }
}

/// dx[i] = dy[i] * gelu_tanh'(x[i]); in place if dx is dy.
template <class Scalar>
void gelu_tanh_backward(const Scalar* x, const Scalar* dy, Scalar* dx, Index count) {
  if constexpr (has_float_kernels && std::is_same_v<Scalar, float>) {
    run_vectorised<Elementwise<detail::GeluTanhBackward>>(count, x, dy, dx);
  } else {
    for (Index i = 0; i < count; ++i) dx[i] = dy[i] * gelu_tanh_derivative(x[i]);
  }
}

}  // namespace tessera::kernels
