#pragma once

#include <array>
#include <cstdint>
#include <utility>

#include "tessera/kernels/matmul/bfloat16.hpp"

// Blocks of 16 lanes (rows of a left-hand side, columns of a right-hand side) by 32 steps of k, as
// 16 x 16 words of two bfloat16. For Isa::avx512_bf16 and above.

namespace tessera::kernels {

/// One side of a product: the element of lane r and step k is data[r * row + k * step]. One of the
/// two strides is 1.
struct Lanes {
  const float* data;
  Index row;
  Index step;

  const float* at(Index r, Index k) const { return data + r * row + k * step; }
};

/// What products of floats are computed from.
enum class InputForm {
  floats,
  pairs,  ///< words of two bfloat16, rounded
  split,  ///< the same twice: rounded, and what rounding left over, rounded
};

#if defined(__x86_64__)

/// Words of each element's two halves: `rounded` is bfloat16(x), `rest` bfloat16(x - rounded).
enum class WordPart { rounded, rest };

/// Which way the lines of a block run.
enum class WordOrder {
  by_lane,  ///< line r: words of lane r, k after k
  by_step,  ///< line w: words of steps 2 w and 2 w + 1, lane after lane
};

inline constexpr Index block_lanes = 16;
inline constexpr Index block_words = 16;
inline constexpr Index block_depth = 2 * block_words;

namespace detail {

using Halves [[gnu::vector_size(64)]] = std::uint16_t;

/// What bfloat16 leaves of x; zero where x becomes infinite or is no number.
[[gnu::always_inline]] inline void replace_by_rest(Float16& x) {
  using Words = VectorTraits<Float16>::Bits;
  Words bits;
  round_to_bfloat16(x, bits);
  const Float16 rest = x - __builtin_bit_cast(Float16, bits & 0xffff0000U);
  x = rest - rest == Float16{} ? rest : Float16{};
}

/// The bfloat16 of 16 + 16 floats, those of `low` first.
template <WordPart part>
[[gnu::always_inline, gnu::target("avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]] inline void
halves_of(const float* low_at, const float* high_at, Float16& halves) {
  Float16 low, high;
  load(low, low_at);
  load(high, high_at);
  if constexpr (part == WordPart::rest) {
    replace_by_rest(low);
    replace_by_rest(high);
  }
  asm("vcvtne2ps2bf16 %1, %2, %0" : "=v"(halves) : "v"(low), "v"(high));
}

/// One of the four steps of a transpose: blocks of `step` x `step` change places across the
/// diagonal. `upper` makes the line that is `step` below the other.
template <int step, bool upper, std::size_t... J>
[[gnu::always_inline]] inline void exchange(const Float16& a, const Float16& b, Float16& line,
                                            std::index_sequence<J...> /*columns*/) {
  line = __builtin_shufflevector(
      a, b,
      static_cast<int>((J & step) == 0 ? J + (upper ? step : 0) : 16 + J - (upper ? 0 : step))...);
}

template <int step>
[[gnu::always_inline]] inline void exchange_all(Float16 (&lines)[block_lanes]) {
  constexpr auto columns = std::make_index_sequence<block_lanes>();
#pragma GCC unroll 16
  for (int i = 0; i < block_lanes; ++i) {
    if ((i & step) != 0) continue;
    const Float16 a = lines[i];
    const Float16 b = lines[i + step];
    exchange<step, false>(a, b, lines[i], columns);
    exchange<step, true>(a, b, lines[i + step], columns);
  }
}

[[gnu::always_inline]] inline void transpose(Float16 (&lines)[block_lanes]) {
  exchange_all<8>(lines);
  exchange_all<4>(lines);
  exchange_all<2>(lines);
  exchange_all<1>(lines);
}

/// A whole block, of lanes whose steps lie side by side (`by_lane`) or whose steps lie apart.
template <WordOrder order, WordPart part, bool by_lane>
[[gnu::target("avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]] void make_words(const float* from,
                                                                               Index stride,
                                                                               float* to,
                                                                               Index to_stride) {
  Float16 lines[block_lanes];
#pragma GCC unroll 16
  for (Index i = 0; i < block_lanes; ++i) {
    if constexpr (by_lane) {
      halves_of<part>(from + i * stride, from + i * stride + 16, lines[i]);
    } else {
      const float* even = from + 2 * i * stride;
      halves_of<part>(even, even + stride, lines[i]);
      const Halves apart = __builtin_bit_cast(Halves, lines[i]);
      const Halves joined =
          __builtin_shufflevector(apart, apart, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7,
                                  23, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
      lines[i] = __builtin_bit_cast(Float16, joined);
    }
  }
  if constexpr (by_lane != (order == WordOrder::by_lane)) transpose(lines);
#pragma GCC unroll 16
  for (Index i = 0; i < block_lanes; ++i) store(lines[i], to + i * to_stride);
}

}  // namespace detail

/// The words of lanes [0, lanes) and k in [0, depth) of `from`, at most 16 and 32, as a whole block
/// of 16 lines `to_stride` words apart; zeros where the source has none.
template <WordOrder order, WordPart part>
void make_words(Lanes from, Index lanes, Index depth, float* to, Index to_stride) {
  const bool by_lane = from.step == 1;
  alignas(64) std::array<float, block_lanes * block_depth> whole;
  if (lanes < block_lanes || depth < block_depth) {
    whole.fill(0.0F);
    const Lanes copy =
        by_lane ? Lanes{whole.data(), block_depth, 1} : Lanes{whole.data(), 1, block_lanes};
    for (Index r = 0; r < lanes; ++r) {
      for (Index k = 0; k < depth; ++k) {
        whole[static_cast<std::size_t>(r * copy.row + k * copy.step)] = *from.at(r, k);
      }
    }
    from = copy;
  }
  by_lane ? detail::make_words<order, part, true>(from.data, from.row, to, to_stride)
          : detail::make_words<order, part, false>(from.data, from.step, to, to_stride);
}

/// In place: row[0, count) becomes count / 2 words, as LeftRows makes them. 32 divides `count`.
[[gnu::target("avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]] inline void round_to_words(
    float* row, Index count) {
  for (Index k = 0; k < count; k += block_depth) {
    Float16 words;
    detail::halves_of<WordPart::rounded>(row + k, row + k + 16, words);
    store(words, row + k / 2);
  }
}

#endif

}  // namespace tessera::kernels
