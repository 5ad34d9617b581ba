#pragma once

#include "tessera/core/threads/execution.hpp"
#include "tessera/kernels/simd/vector.hpp"

namespace tessera::kernels {

// Whether float has kernels of its own; elsewhere Eigen computes it, as it does every other scalar.
#if defined(__x86_64__) && defined(__GNUC__)
inline constexpr bool has_float_kernels = true;

namespace detail {

// All there is of target attributes. `Kernel::run<Vector>` and all it calls must be always_inline:
// only what is inlined here is compiled for the instruction set.

template <class Kernel, class... Arguments>
void run_baseline(Arguments... arguments) {
  Kernel::template run<Float4>(arguments...);
}

template <class Kernel, class... Arguments>
[[gnu::target("avx2,fma")]] void run_avx2(Arguments... arguments) {
  Kernel::template run<Float8>(arguments...);
}

template <class Kernel, class... Arguments>
[[gnu::target("avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]] void run_avx512(
    Arguments... arguments) {
  Kernel::template run<Float16>(arguments...);
}

}  // namespace detail

/// Runs Kernel::run<Vector>(arguments...) with the vectors of the execution scope's instruction
/// set.
template <class Kernel, class... Arguments>
void run_vectorised(Arguments... arguments) {
  switch (current_isa()) {
    case Isa::baseline:
      return detail::run_baseline<Kernel>(arguments...);
    case Isa::avx2:
      return detail::run_avx2<Kernel>(arguments...);
    default:
      return detail::run_avx512<Kernel>(arguments...);
  }
}
#else
inline constexpr bool has_float_kernels = false;
#endif

}  // namespace tessera::kernels
