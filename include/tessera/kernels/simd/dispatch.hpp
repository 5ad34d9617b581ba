#pragma once

#include <type_traits>

#include "tessera/core/threads/execution.hpp"
#include "tessera/kernels/simd/vector.hpp"

// The one place where a kernel meets an instruction set. A kernel is a struct with a function
// `run<Vector>(arguments...)`. That function, and all it calls, must be always_inline: only code
// that is inlined into the functions below is compiled for their instruction set. That holds for
// lambdas as well, which is why those in kernels carry the attribute.

namespace tessera::kernels {

/// True if float has kernels on vectors and products of its own, chosen at run time.
#if defined(__x86_64__)
inline constexpr bool has_float_kernels = true;
#else
inline constexpr bool has_float_kernels = false;
#endif

/// True if Scalar has them. Every other Scalar runs the same kernels on vectors of one lane, and
/// leaves its products to Eigen.
template <class Scalar>
inline constexpr bool has_kernels = has_float_kernels && std::is_same_v<Scalar, float>;

#if defined(__x86_64__)
namespace detail {

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

/// Kernel::run<Vector>(arguments...) on the instruction set that has such vectors.
template <class Vector, class Kernel, class... Arguments>
void run_with(Arguments... arguments) {
  if constexpr (std::is_same_v<Vector, Float16>) {
    run_avx512<Kernel>(arguments...);
  } else if constexpr (std::is_same_v<Vector, Float8>) {
    run_avx2<Kernel>(arguments...);
  } else {
    run_baseline<Kernel>(arguments...);
  }
}

}  // namespace detail
#endif

/// Runs Kernel::run<Vector>(arguments...): for float with the vectors of the execution scope's
/// instruction set, for other Scalars with Vector = Scalar.
template <class Kernel, class Scalar, class... Arguments>
void run_vectorized(Arguments... arguments) {
#if defined(__x86_64__)
  if constexpr (has_kernels<Scalar>) {
    switch (current_isa()) {
      case Isa::baseline:
        return detail::run_with<Float4, Kernel>(arguments...);
      case Isa::avx2:
        return detail::run_with<Float8, Kernel>(arguments...);
      case Isa::avx512:
      case Isa::avx512_bf16:
      case Isa::amx:
        return detail::run_with<Float16, Kernel>(arguments...);
    }
  }
#endif
  if constexpr (!has_kernels<Scalar>) Kernel::template run<Scalar>(arguments...);
}

}  // namespace tessera::kernels
