#pragma once

#include "tessera/kernels/simd/elementwise.hpp"
#include "tessera/kernels/simd/vector_math.hpp"

namespace tessera::kernels {

/// The numbers of one AdamW step that are the same for every value.
template <class Scalar>
struct AdamWFactors {
  Scalar beta1;
  Scalar one_minus_beta1;
  Scalar beta2;
  Scalar one_minus_beta2;
  Scalar decay;      ///< 1 - lr * weight_decay
  Scalar step_size;  ///< lr / (1 - beta1^steps)
  Scalar inv_root;   ///< 1 / sqrt(1 - beta2^steps)
  Scalar eps;
};

/// One step of AdamW on `count` values x and their moments m and v, in one pass; overwrites all
/// three. Loshchilov & Hutter, "Decoupled weight decay regularization", 2019, algorithm 2.
template <class Scalar>
void adamw_update(const AdamWFactors<Scalar>& factors, const Scalar* gradient, Scalar* value,
                  Scalar* first_moment, Scalar* second_moment, Index count) {
  elementwise<Scalar>(
      count,
      [f = factors](const auto& g, auto& x, auto& m, auto& v) __attribute__((always_inline)) {
        auto root = v;
        m = f.beta1 * m + f.one_minus_beta1 * g;
        v = f.beta2 * v + f.one_minus_beta2 * g * g;
        square_root(v, root);
        x = f.decay * x - f.step_size * m / (root * f.inv_root + f.eps);
      },
      gradient, value, first_moment, second_moment);
}

}  // namespace tessera::kernels
