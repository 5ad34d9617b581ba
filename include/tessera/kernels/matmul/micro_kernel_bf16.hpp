#pragma once

#include "tessera/kernels/matmul/bfloat16.hpp"
#include "tessera/kernels/matmul/micro_kernel.hpp"

namespace tessera::kernels {

#if defined(__x86_64__)

namespace detail {

/// MultiplyTile for words of two bfloat16: both products of a word are added in float32, at the
/// price of one multiply-add. a, b and depth count words. The instruction cannot be written as
/// vector arithmetic, so this function names its target itself.
template <int rows>
[[gnu::target("avx2,fma,avx512f,avx512bw,avx512dq,avx512vl")]] void multiply_pair_tile(
    const TileProduct* tile) {
  using Words = VectorTraits<Float16>::Bits;
  RowPointers<rows> a(tile);
  TileSums<Float16, rows> sum(tile);
  const Index a_step = tile->a_step;
  const Index b_step = tile->b_step;
  const Index next_step = tile->next.step;
  const float* b = tile->b;
  const float* next = tile->next.at;
  for (Index k = tile->depth; k > 0; next += tile->next.jump) {
    const Index stop = std::max<Index>(0, k - tile->next.run);
    for (; k > stop; --k) {
      Float16 left, right;
      load(left, b);
      load(right, b + 16);
      __builtin_prefetch(next, 0, 2);
#pragma GCC unroll 16
      for (int r = 0; r < rows; ++r) {
        std::uint32_t word;
        std::memcpy(&word, a.row(r), sizeof word);
        const Words factor = Words{} + word;
        asm("vdpbf16ps %2, %1, %0" : "+v"(sum.value[r][0]) : "v"(factor), "v"(left));
        asm("vdpbf16ps %2, %1, %0" : "+v"(sum.value[r][1]) : "v"(factor), "v"(right));
      }
      a.advance(a_step);
      b += b_step;
      next += next_step;
    }
  }
  sum.finish(tile);
}

template <int... heights>
constexpr auto pair_tiles() {
  return std::array{SizedTile{heights, &multiply_pair_tile<heights>}...};
}

inline constexpr auto pair_heights = pair_tiles<14, 13, 12, 11, 8, 4, 2, 1>();

inline constexpr MicroKernel pair_kernel = vector_kernel(14, 32, multiply_rows<pair_heights>);

}  // namespace detail

/// The tiles of words of two bfloat16. They run on Isa::avx512_bf16 and above.
inline const MicroKernel& micro_kernel_of_pairs() { return detail::pair_kernel; }

#endif

}  // namespace tessera::kernels
