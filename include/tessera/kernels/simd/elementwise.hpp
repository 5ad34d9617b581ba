#pragma once

#include "tessera/kernels/simd/dispatch.hpp"

namespace tessera::kernels {

#if defined(__GNUC__)

/// A kernel made of Step::step<Vector>(at, count, arguments...), which computes elements
/// [at, at + count), at most one vector of them. The last few are computed as a whole vector is, so
/// that a value's bits do not depend on its place.
template <class Step>
struct Elementwise {
  template <class Vector, class... Arguments>
  [[gnu::always_inline]] static void run(Index count, Arguments... arguments) {
    Index at = 0;
    for (; at + lanes<Vector> <= count; at += lanes<Vector>) {
      Step::template step<Vector>(at, lanes<Vector>, arguments...);
    }
    if (at < count) Step::template step<Vector>(at, count - at, arguments...);
  }
};

#endif

}  // namespace tessera::kernels
