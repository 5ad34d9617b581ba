#pragma once

#include <cstdint>
#include <cstring>

#include "tessera/kernels/matmul/micro_kernel.hpp"

// The micro-kernel on pairs of bfloat16 without AMX, for Isa::avx512_bf16.

namespace tessera::kernels {

#if defined(__x86_64__)

namespace detail {

/// sums += the two products of each pair, in float32. The instruction cannot be written as vector
/// arithmetic; the target is that of run_avx512, as for convert_to_bfloat16.
[[gnu::target("avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]] inline void add_pair_products(
    const Float16& a, const Float16& b, Float16& sums) {
  asm("vdpbf16ps %2, %1, %0" : "+v"(sums) : "v"(a), "v"(b));
}

/// The multiply-add of pairs: both products of a pair at the price of one multiply-add. a, b and
/// steps count pairs.
struct MultiplyAddPairs {
  [[gnu::always_inline]] static void run(const float* a, const Float16 (&b)[2],
                                         Float16 (&sums)[2]) {
    using Bits = VectorTraits<Float16>::Bits;
    std::uint32_t pair;
    std::memcpy(&pair, a, sizeof pair);
    const Float16 factor = __builtin_bit_cast(Float16, Bits{} + pair);
    add_pair_products(factor, b[0], sums[0]);
    add_pair_products(factor, b[1], sums[1]);
  }
};

inline constexpr MicroKernel bf16_kernel =
    vector_kernel(14, 32, multiply_rows<Float16, MultiplyAddPairs, 14, 13, 12, 11, 8, 4, 2, 1>);

}  // namespace detail

#endif

}  // namespace tessera::kernels
