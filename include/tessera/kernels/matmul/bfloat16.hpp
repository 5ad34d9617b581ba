#pragma once

#include <cstdint>
#include <cstring>

#include "tessera/kernels/simd/dispatch.hpp"

// float32 as bfloat16, the upper half of its bits: eight significant bits, the full range. Products
// take two at a time, as one 32-bit word: that of even k in the lower half, that of odd k above it.
// Words lie in memory of floats, so that whatever moves floats moves them; nobody computes with
// them as such.

namespace tessera::kernels {

/// Words that `depth` values of k take: whole blocks of 16, the last ones zero.
inline Index pair_count(Index depth) { return (depth + 31) / 32 * 16; }

#if defined(__x86_64__)

namespace detail {

/// The bits of x rounded to the nearest bfloat16, ties to even, in the upper half of each word;
/// what is below means nothing. NaN stays NaN.
template <class Vector>
[[gnu::always_inline]] inline void round_to_bfloat16(const Vector& x,
                                                     typename VectorTraits<Vector>::Bits& rounded) {
  using Words = typename VectorTraits<Vector>::Bits;
  const Words bits = __builtin_bit_cast(Words, x);
  const Words quiet_nan = Words{} + 0x7fc00000U;
  rounded = x == x ? bits + 0x7fffU + (bits >> 16 & 1U) : quiet_nan;
}

}  // namespace detail

/// row[j] = the value of k, even or odd, that words[j] holds.
inline void unpair_row(const float* words, Index k, Index count, float* row) {
  for (Index j = 0; j < count; ++j) {
    std::uint32_t word;
    std::memcpy(&word, words + j, sizeof word);
    word = k % 2 == 0 ? word << 16 : word & 0xffff0000U;
    std::memcpy(row + j, &word, sizeof word);
  }
}

#endif

}  // namespace tessera::kernels
