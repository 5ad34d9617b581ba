#pragma once

#include <cmath>
#include <type_traits>

#include "tessera/kernels/simd/elementwise.hpp"
#include "tessera/kernels/simd/vector_math.hpp"

namespace tessera::kernels {

namespace detail {

#if defined(__GNUC__)
struct SwigluForward {
  template <class Vector>
  [[gnu::always_inline]] static void step(Index at, Index count, const float* gate,
                                          const float* value, float* y) {
    Vector g, v, open;
    load_part(g, gate + at, count);
    load_part(v, value + at, count);
    sigmoid(g, open);
    v *= g * open;
    store_part(v, y + at, count);
  }
};

struct SwigluBackward {
  template <class Vector>
  [[gnu::always_inline]] static void step(Index at, Index count, const float* gate,
                                          const float* value, const float* dy, float* dgate,
                                          float* dvalue) {
    Vector g, v, upstream, open;
    load_part(g, gate + at, count);
    load_part(v, value + at, count);
    load_part(upstream, dy + at, count);
    sigmoid(g, open);
    v *= upstream * open * (1.0F + g * (1.0F - open));
    g *= upstream * open;
    store_part(v, dgate + at, count);
    store_part(g, dvalue + at, count);
  }
};
#endif

}  // namespace detail

/// y[i] = silu(gate[i]) * value[i], silu(z) = z / (1 + e^-z).
template <class Scalar>
void swiglu_forward(const Scalar* gate, const Scalar* value, Scalar* y, Index count) {
  if constexpr (has_float_kernels && std::is_same_v<Scalar, float>) {
    run_vectorised<Elementwise<detail::SwigluForward>>(count, gate, value, y);
  } else {
    for (Index i = 0; i < count; ++i) {
      y[i] = gate[i] / (Scalar(1) + std::exp(-gate[i])) * value[i];
    }
  }
}

/// dvalue = dy * silu(gate), dgate = dy * value * silu'(gate).
template <class Scalar>
void swiglu_backward(const Scalar* gate, const Scalar* value, const Scalar* dy, Scalar* dgate,
                     Scalar* dvalue, Index count) {
  if constexpr (has_float_kernels && std::is_same_v<Scalar, float>) {
    run_vectorised<Elementwise<detail::SwigluBackward>>(count, gate, value, dy, dgate, dvalue);
  } else {
    for (Index i = 0; i < count; ++i) {
      const Scalar sigmoid = Scalar(1) / (Scalar(1) + std::exp(-gate[i]));
      dgate[i] = dy[i] * value[i] * sigmoid * (Scalar(1) + gate[i] * (Scalar(1) - sigmoid));
      dvalue[i] = dy[i] * gate[i] * sigmoid;
    }
  }
}

}  // namespace tessera::kernels
