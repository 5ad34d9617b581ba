#pragma once

#include "tessera/kernels/simd/elementwise.hpp"
#include "tessera/kernels/simd/vector_math.hpp"

namespace tessera::kernels {

/// y[i] = silu(gate[i]) * value[i], silu(z) = z * sigmoid(z); overwrites y.
/// Shazeer, "GLU variants improve transformer", 2020.
template <class Scalar>
void swiglu_forward(const Scalar* gate, const Scalar* value, Scalar* y, Index count) {
  elementwise<Scalar>(
      count,
      [](const auto& g, const auto& v, auto& out) __attribute__((always_inline)) {
        auto open = g;
        sigmoid(g, open);
        out = v * (g * open);
      },
      gate, value, written(y));
}

/// dgate = dy * value * silu'(gate), silu'(z) = s * (1 + z * (1 - s)) with s = sigmoid(z), and
/// dvalue = dy * silu(gate); overwrites both, each of which may be any of the inputs.
template <class Scalar>
void swiglu_backward(const Scalar* gate, const Scalar* value, const Scalar* dy, Scalar* dgate,
                     Scalar* dvalue, Index count) {
  elementwise<Scalar>(
      count,
      [](const auto& g, const auto& v, const auto& upstream, auto& dg, auto& dv)
          __attribute__((always_inline)) {
            const Scalar one = 1;
            auto open = g;
            sigmoid(g, open);
            dg = v * (upstream * open * (one + g * (one - open)));
            dv = g * (upstream * open);
          },
      gate, value, dy, written(dgate), written(dvalue));
}

}  // namespace tessera::kernels
