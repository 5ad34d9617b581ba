#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <utility>

#include "tessera/kernels/matmul/operand.hpp"
#include "tessera/kernels/simd/dispatch.hpp"

// bfloat16 is the upper half of a float32's bits: eight significant bits, the full range. Products
// take two at a time, a pair: one 32-bit word with the value of even k in its lower 16 bits and
// that of odd k above it. Pairs lie in memory of floats, so that whatever moves floats moves them;
// nobody computes with them as floats. They are made in blocks of 16 rows of A, or columns of B, by
// 16 pairs, which is one register of AMX.

namespace tessera::kernels {

/// Rows or columns of a block of pairs, and pairs in each.
inline constexpr Index pair_block = 16;
/// Values of k that a block of pairs holds.
inline constexpr Index pair_k = 2 * pair_block;

/// Pairs that hold `depth` values of k: whole blocks, the last ones zero.
inline Index pair_count(Index depth) { return (depth + pair_k - 1) / pair_k * pair_block; }

/// Steps that the micro-kernel makes over `depth` values of k: one value each, or one pair.
inline Index step_count(Index depth, GemmInput input) {
  return input == GemmInput::f32 ? depth : pair_count(depth);
}

/// The two bfloat16 that stand for a float: high = bfloat16(x) and low = bfloat16(x - high).
enum class SplitPart { high, low };

/// The orders in which a block of pairs may lie in memory.
enum class PairOrder {
  outer_major,  ///< line r: the pairs of row or column r, k after k; for A
  k_major,      ///< line p: pair p of each row or column, one after the other; for B
};

/// row[j] = the value of k, even or odd, that pairs[j] holds.
inline void unpair_row(const float* pairs, Index k, Index count, float* row) {
  for (Index j = 0; j < count; ++j) {
    std::uint32_t bits;
    std::memcpy(&bits, pairs + j, sizeof bits);
    bits = k % 2 == 0 ? bits << 16 : bits & 0xffff0000U;
    std::memcpy(row + j, &bits, sizeof bits);
  }
}

namespace detail {

/// The bits of x rounded to the nearest bfloat16, ties to even, in the upper 16 bits of each
/// element; the lower ones are undefined. NaN stays NaN.
template <class Vector>
[[gnu::always_inline]] inline void round_to_bfloat16(const Vector& x,
                                                     typename VectorTraits<Vector>::Bits& rounded) {
  using Bits = typename VectorTraits<Vector>::Bits;
  const Bits bits = __builtin_bit_cast(Bits, x);
  const Bits quiet_nan = Bits{} + 0x7fc00000U;
  rounded = x == x ? bits + 0x7fffU + (bits >> 16 & 1U) : quiet_nan;
}

}  // namespace detail

#if defined(__x86_64__)

namespace detail {

/// pairs = the bfloat16 of the 16 floats of `lower`, then of those of `upper`. Its own target,
/// that of run_avx512, lets the compiler name a register of 512 bits; Clang inlines it only if the
/// two are equal.
[[gnu::target("avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]] inline void convert_to_bfloat16(
    const Float16& lower, const Float16& upper, Float16& pairs) {
  asm("vcvtne2ps2bf16 %1, %2, %0" : "=v"(pairs) : "v"(lower), "v"(upper));
}

/// x becomes the part of it that rounding to bfloat16 leaves over; zero where x becomes infinite or
/// is no number.
[[gnu::always_inline]] inline void replace_by_remainder(Float16& x) {
  using Bits = VectorTraits<Float16>::Bits;
  Bits bits;
  round_to_bfloat16(x, bits);
  const Float16 remainder = x - __builtin_bit_cast(Float16, bits & 0xffff0000U);
  x = remainder - remainder == Float16{} ? remainder : Float16{};
}

/// The bfloat16 of the 16 floats at `lower`, then of the 16 at `upper`.
template <SplitPart part>
[[gnu::always_inline]] inline void load_as_bfloat16(const float* lower, const float* upper,
                                                    Float16& pairs) {
  Float16 first, second;
  load(first, lower);
  load(second, upper);
  if constexpr (part == SplitPart::low) {
    replace_by_remainder(first);
    replace_by_remainder(second);
  }
  convert_to_bfloat16(first, second, pairs);
}

/// One of the four steps of a transpose: blocks of `step` x `step` change places across the
/// diagonal. `below` makes the line that is `step` below the other.
template <int step, bool below, std::size_t... J>
[[gnu::always_inline]] inline void exchange(const Float16& a, const Float16& b, Float16& line,
                                            std::index_sequence<J...> /*columns*/) {
  line = __builtin_shufflevector(
      a, b,
      static_cast<int>((J & step) == 0 ? J + (below ? step : 0) : 16 + J - (below ? 0 : step))...);
}

template <int step>
[[gnu::always_inline]] inline void exchange_all(Float16 (&lines)[pair_block]) {
  constexpr auto columns = std::make_index_sequence<pair_block>();
#pragma GCC unroll 16
  for (int i = 0; i < pair_block; ++i) {
    if ((i & step) != 0) continue;
    const Float16 a = lines[i];
    const Float16 b = lines[i + step];
    exchange<step, false>(a, b, lines[i], columns);
    exchange<step, true>(a, b, lines[i + step], columns);
  }
}

[[gnu::always_inline]] inline void transpose(Float16 (&lines)[pair_block]) {
  exchange_all<8>(lines);
  exchange_all<4>(lines);
  exchange_all<2>(lines);
  exchange_all<1>(lines);
}

/// A whole block. Its source has values of k side by side (k_stride 1), or `stride` apart and the
/// outer index side by side.
template <PairOrder order, SplitPart part, bool k_side_by_side>
struct PackPairBlock {
  template <class Vector>
  [[gnu::always_inline]] static void run(const float* from, Index stride, float* to,
                                         Index to_stride) {
    using Values [[gnu::vector_size(64)]] = std::uint16_t;
    Float16 lines[pair_block];
#pragma GCC unroll 16
    for (Index i = 0; i < pair_block; ++i) {
      if constexpr (k_side_by_side) {
        load_as_bfloat16<part>(from + i * stride, from + i * stride + 16, lines[i]);
      } else {
        const float* even = from + 2 * i * stride;
        load_as_bfloat16<part>(even, even + stride, lines[i]);
        const Values apart = __builtin_bit_cast(Values, lines[i]);
        const Values joined = __builtin_shufflevector(apart, apart, 0, 16, 1, 17, 2, 18, 3, 19, 4,
                                                      20, 5, 21, 6, 22, 7, 23, 8, 24, 9, 25, 10, 26,
                                                      11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
        lines[i] = __builtin_bit_cast(Float16, joined);
      }
    }
    if constexpr (k_side_by_side != (order == PairOrder::outer_major)) transpose(lines);
#pragma GCC unroll 16
    for (Index i = 0; i < pair_block; ++i) store(lines[i], to + i * to_stride);
  }
};

/// A row of floats becomes a row of pairs in place, of half the length.
struct RoundRowToPairs {
  template <class Vector>
  [[gnu::always_inline]] static void run(float* row, Index count) {
    for (Index k = 0; k < count; k += pair_k) {
      Float16 pairs;
      load_as_bfloat16<SplitPart::high>(row + k, row + k + 16, pairs);
      store(pairs, row + k / 2);
    }
  }
};

}  // namespace detail

/// Packs elements [0, outer) x [0, depth) of `from`, at most 16 x 32, as a whole block of pairs: 16
/// lines `to_stride` pairs apart, zeros where the source has none. For Isa::avx512_bf16 and above.
template <PairOrder order, SplitPart part>
void pack_bf16_pairs(StridedOperand from, Index outer, Index depth, float* to, Index to_stride) {
  const bool k_side_by_side = from.k_stride == 1;
  alignas(64) std::array<float, pair_block * pair_k> whole;
  if (outer < pair_block || depth < pair_k) {
    whole.fill(0.0F);
    const StridedOperand copy = k_side_by_side ? StridedOperand{whole.data(), pair_k, 1}
                                               : StridedOperand{whole.data(), 1, pair_block};
    for (Index r = 0; r < outer; ++r) {
      for (Index k = 0; k < depth; ++k) {
        whole[static_cast<std::size_t>(r * copy.outer_stride + k * copy.k_stride)] = *from.at(r, k);
      }
    }
    from = copy;
  }
  if (k_side_by_side) {
    detail::run_avx512<detail::PackPairBlock<order, part, true>>(from.data, from.outer_stride, to,
                                                                 to_stride);
  } else {
    detail::run_avx512<detail::PackPairBlock<order, part, false>>(from.data, from.k_stride, to,
                                                                  to_stride);
  }
}

/// In place: row[0, count) becomes count / 2 pairs, as pack_a makes them. 32 divides `count`.
/// For Isa::avx512_bf16 and above.
inline void round_row_to_pairs(float* row, Index count) {
  detail::run_avx512<detail::RoundRowToPairs>(row, count);
}

#endif

}  // namespace tessera::kernels
