#pragma once

#include <type_traits>

#include "tessera/kernels/simd/elementwise.hpp"

namespace tessera::kernels {

namespace detail {

#if defined(__GNUC__)
struct MoveTowards {
  template <class Vector>
  [[gnu::always_inline]] static void step(Index at, Index count, const float* source,
                                          bool from_source, float way, float* average) {
    Vector near, far;
    load_part(near, (from_source ? source : average) + at, count);
    load_part(far, (from_source ? average : source) + at, count);
    near += way * (far - near);
    store_part(near, average + at, count);
  }
};
#endif

}  // namespace detail

/// average = momentum * average + (1 - momentum) * source, computed from the nearer end, so that
/// momentum 0 and 1 are exact and equal values stay as they are.
template <class Scalar>
void ema_update(double momentum, const Scalar* source, Scalar* average, Index count) {
  const bool from_source = momentum < 0.5;
  const auto way = static_cast<Scalar>(from_source ? momentum : 1 - momentum);
  if constexpr (has_float_kernels && std::is_same_v<Scalar, float>) {
    run_vectorised<Elementwise<detail::MoveTowards>>(count, source, from_source, way, average);
  } else {
    for (Index i = 0; i < count; ++i) {
      const Scalar near = from_source ? source[i] : average[i];
      const Scalar far = from_source ? average[i] : source[i];
      average[i] = near + way * (far - near);
    }
  }
}

}  // namespace tessera::kernels
