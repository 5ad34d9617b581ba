#pragma once

#include <cmath>
#include <type_traits>

#include "tessera/kernels/simd/elementwise.hpp"
#include "tessera/kernels/simd/vector_math.hpp"

namespace tessera::kernels {

/// The numbers of one AdamW step; what does not change from value to value is worked out before.
template <class Scalar>
struct AdamWFactors {
  Scalar beta1;
  Scalar take1;  ///< 1 - beta1
  Scalar beta2;
  Scalar take2;   ///< 1 - beta2
  Scalar shrink;  ///< 1 - lr * weight_decay
  Scalar rate;    ///< lr / (1 - beta1^steps)
  Scalar scale;   ///< 1 / sqrt(1 - beta2^steps)
  Scalar eps;
};

namespace detail {

#if defined(__GNUC__)
struct AdamWUpdate {
  template <class Vector>
  [[gnu::always_inline]] static void step(Index at, Index count, const AdamWFactors<float>* factors,
                                          const float* gradient, float* value, float* first,
                                          float* second) {
    Vector g, x, m, v, root;
    load_part(g, gradient + at, count);
    load_part(x, value + at, count);
    load_part(m, first + at, count);
    load_part(v, second + at, count);
    m = factors->beta1 * m + factors->take1 * g;
    v = factors->beta2 * v + factors->take2 * g * g;
    square_root(v, root);
    x = factors->shrink * x - factors->rate * m / (root * factors->scale + factors->eps);
    store_part(x, value + at, count);
    store_part(m, first + at, count);
    store_part(v, second + at, count);
  }
};
#endif

}  // namespace detail

/// One step of AdamW on `count` values and their moments, in one pass:
/// first = beta1 first + take1 g, second = beta2 second + take2 g^2,
/// value = shrink value - rate first / (sqrt(second) scale + eps).
template <class Scalar>
void adamw_update(const AdamWFactors<Scalar>& factors, const Scalar* gradient, Scalar* value,
                  Scalar* first, Scalar* second, Index count) {
  if constexpr (has_float_kernels && std::is_same_v<Scalar, float>) {
    run_vectorised<Elementwise<detail::AdamWUpdate>>(count, &factors, gradient, value, first,
                                                     second);
  } else {
    const auto& [beta1, take1, beta2, take2, shrink, rate, scale, eps] = factors;
    for (Index i = 0; i < count; ++i) {
      const Scalar g = gradient[i];
      first[i] = beta1 * first[i] + take1 * g;
      second[i] = beta2 * second[i] + take2 * g * g;
      value[i] = shrink * value[i] - rate * first[i] / (std::sqrt(second[i]) * scale + eps);
    }
  }
}

}  // namespace tessera::kernels
