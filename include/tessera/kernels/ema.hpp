#pragma once

#include "tessera/kernels/simd/elementwise.hpp"

namespace tessera::kernels {

/// average = momentum * average + (1 - momentum) * source, in place, computed from the nearer end,
/// so that momentum 0 and 1 are exact and equal values stay as they are.
template <class Scalar>
void ema_update(double momentum, const Scalar* source, Scalar* average, Index count) {
  const bool from_source = momentum < 0.5;
  const auto way = static_cast<Scalar>(from_source ? momentum : 1 - momentum);
  elementwise<Scalar>(
      count,
      [=](const auto& from, auto& to) __attribute__((always_inline)) {
        const auto& near = from_source ? from : to;
        const auto& far = from_source ? to : from;
        to = near + way * (far - near);
      },
      source, average);
}

}  // namespace tessera::kernels
