#pragma once

#include <cstdint>
#include <cstring>

#include "tessera/kernels/dispatch.hpp"

// float32 as bfloat16, the upper half of its bits: eight significant bits, the full range. Products
// take two at a time, as one 32-bit word: that of even k in the lower half, that of odd k above it.
// Words lie in memory of floats, so that whatever moves floats moves them; nobody computes with
// them as such.

namespace tessera::kernels {

#if defined(__x86_64__) && defined(__GNUC__)

namespace detail {

/// The bits of x rounded to the nearest bfloat16, ties to even, in the upper half of each word;
/// what is below means nothing. NaN stays NaN.
template <class Vector>
[[gnu::always_inline]] inline void round_to_bfloat16(
    const Vector& x, typename VectorTraits<Vector>::Words& rounded) {
  using Words = typename VectorTraits<Vector>::Words;
  const Words bits = __builtin_bit_cast(Words, x);
  const Words quiet_nan = Words{} + 0x7fc00000U;
  rounded = x == x ? bits + 0x7fffU + (bits >> 16 & 1U) : quiet_nan;
}

/// words[j] = (even[j], odd[j]).
struct PairRows {
  template <class Vector>
  [[gnu::always_inline]] static void join(const Vector& even, const Vector& odd, Vector& words) {
    using Words = typename VectorTraits<Vector>::Words;
    Words low, high;
    round_to_bfloat16(even, low);
    round_to_bfloat16(odd, high);
    words = __builtin_bit_cast(Vector, low >> 16 | (high & 0xffff0000U));
  }

  template <class Vector>
  [[gnu::always_inline]] static void run(const float* even, const float* odd, Index count,
                                         float* words) {
    Index j = 0;
    Vector x, y, joined;
    for (; j + lanes<Vector> <= count; j += lanes<Vector>) {
      load(x, even + j);
      load(y, odd + j);
      join(x, y, joined);
      store(joined, words + j);
    }
    if (j == count) return;
    load_part(x, even + j, count - j);
    load_part(y, odd + j, count - j);
    join(x, y, joined);
    store_part(joined, words + j, count - j);
  }
};

/// words[k] = (row[2 k], row[2 k + 1]); of an odd count the last word's upper half is zero.
struct PairColumns {
  template <class Vector>
  [[gnu::always_inline]] static void join(const Vector& x,
                                          typename VectorTraits<Vector>::HalfWords& words) {
    using LongWords = typename VectorTraits<Vector>::LongWords;  // one pair each
    using HalfWords = typename VectorTraits<Vector>::HalfWords;
    typename VectorTraits<Vector>::Words rounded;
    round_to_bfloat16(x, rounded);
    const LongWords pair = __builtin_bit_cast(LongWords, rounded);
    const LongWords joined = (pair >> 16 & 0xffffU) | (pair >> 32 & 0xffff0000U);
    words = __builtin_convertvector(joined, HalfWords);
  }

  template <class Vector>
  [[gnu::always_inline]] static void run(const float* row, Index count, float* words) {
    Index i = 0;
    Vector x;
    typename VectorTraits<Vector>::HalfWords joined;
    for (; i + lanes<Vector> <= count; i += lanes<Vector>) {
      load(x, row + i);
      join(x, joined);
      std::memcpy(words + i / 2, &joined, sizeof joined);
    }
    if (i == count) return;
    load_part(x, row + i, count - i);
    join(x, joined);
    const auto left = static_cast<std::size_t>((count - i + 1) / 2);
    std::memcpy(words + i / 2, &joined, left * sizeof(float));
  }
};

}  // namespace detail

/// Words that `depth` values of k take.
inline Index pair_count(Index depth) { return (depth + 1) / 2; }

/// words[j] = (even[j], odd[j]) for j < count.
inline void pair_rows(const float* even, const float* odd, Index count, float* words) {
  run_vectorised<detail::PairRows>(even, odd, count, words);
}

/// words[k] = (row[2 k], row[2 k + 1]) for 2 k < count; what a row lacks is zero.
inline void pair_columns(const float* row, Index count, float* words) {
  run_vectorised<detail::PairColumns>(row, count, words);
}

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
