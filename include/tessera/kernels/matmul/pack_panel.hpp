#pragma once

#include <algorithm>
#include <array>

#include "tessera/kernels/matmul/bf16_pairs.hpp"
#include "tessera/kernels/matmul/micro_kernel.hpp"

// One panel of B as the micro-kernel reads it: 32 columns, k after k. Columns that the matrix does
// not have are zeros.

namespace tessera::kernels {

/// Floats, or pairs, that a panel holds per step of k.
inline Index panel_step(GemmInput input) {
  return input == GemmInput::bf16_split ? 2 * panel_cols : panel_cols;
}

inline Index panel_count(Index cols) { return (cols + panel_cols - 1) / panel_cols; }

/// kc, the steps of k that a block of A and a panel of B have at a time: as even as multiples of a
/// block of pairs can be, at most `max_kc`. It depends on the depth alone, and so does the order in
/// which an element of C is summed.
inline Index even_kc(Index steps, Index max_kc) {
  const Index blocks = std::max<Index>(1, (steps + max_kc - 1) / max_kc);
  return (steps + pair_block * blocks - 1) / (pair_block * blocks) * pair_block;
}

/// panel[k][j] = from[k * stride + j] for j < cols.
inline void pack_panel(const float* from, Index stride, Index depth, Index cols, float* panel) {
  for (Index k = 0; k < depth; ++k) {
    float* row = panel + k * panel_cols;
    if (cols == panel_cols) {
      std::copy_n(from + k * stride, panel_cols, row);
    } else {
      std::fill(std::copy_n(from + k * stride, cols, row), row + panel_cols, 0.0F);
    }
  }
}

namespace detail {

/// to[i * to_stride + j] = from[j * stride + i] for 4 x 4 elements.
inline void transpose_4x4(const float* from, Index stride, float* to, Index to_stride) {
  Float4 a, b, c, d;
  load(a, from);
  load(b, from + stride);
  load(c, from + 2 * stride);
  load(d, from + 3 * stride);
  const Float4 ab_low = __builtin_shufflevector(a, b, 0, 4, 1, 5);
  const Float4 ab_high = __builtin_shufflevector(a, b, 2, 6, 3, 7);
  const Float4 cd_low = __builtin_shufflevector(c, d, 0, 4, 1, 5);
  const Float4 cd_high = __builtin_shufflevector(c, d, 2, 6, 3, 7);
  store<Float4>(__builtin_shufflevector(ab_low, cd_low, 0, 1, 4, 5), to);
  store<Float4>(__builtin_shufflevector(ab_low, cd_low, 2, 3, 6, 7), to + to_stride);
  store<Float4>(__builtin_shufflevector(ab_high, cd_high, 0, 1, 4, 5), to + 2 * to_stride);
  store<Float4>(__builtin_shufflevector(ab_high, cd_high, 2, 3, 6, 7), to + 3 * to_stride);
}

}  // namespace detail

/// panel[k][j] = from[j * stride + k] for j < cols. Wider vectors would not be faster: every
/// element passes the shuffle unit twice per 16 bytes here, and more often in larger transposes.
inline void pack_panel_transposed(const float* from, Index stride, Index depth, Index cols,
                                  float* panel) {
  constexpr Index line = 16;  // a cache line of one row at a time: strides may share a cache set
  const Index whole_cols = cols / 4 * 4;
  for (Index first = 0; first < depth; first += line) {
    const Index last = std::min(depth, first + line);
    const Index whole_last = first + (last - first) / 4 * 4;
    for (Index j = 0; j < whole_cols; j += 4) {
#pragma GCC unroll 4
      for (Index r = 0; r < 4; ++r) __builtin_prefetch(from + (j + r) * stride + first + 2 * line);
      for (Index k = first; k < whole_last; k += 4) {
        detail::transpose_4x4(from + j * stride + k, stride, panel + k * panel_cols + j,
                              panel_cols);
      }
    }
    for (Index k = first; k < last; ++k) {
      float* row = panel + k * panel_cols;
      for (Index j = k < whole_last ? whole_cols : 0; j < cols; ++j) row[j] = from[j * stride + k];
      std::fill(row + cols, row + panel_cols, 0.0F);
    }
  }
}

#if defined(__x86_64__)

/// A panel of pairs: for every block of 16 pairs of k 16 x 32 high parts, then, with
/// GemmInput::bf16_split, as many low parts. The first `cols` outer indices of `from` make the
/// columns.
inline void pack_panel_of_pairs(const StridedOperand& from, Index depth, Index cols,
                                GemmInput input, float* panel) {
  constexpr Index high_parts = pair_block * panel_cols;
  for (Index k = 0; k < depth; k += pair_k) {
    for (Index col = 0; col < panel_cols; col += pair_block) {
      const StridedOperand block = from.from(col, k);
      const Index count = std::clamp<Index>(cols - col, 0, pair_block);
      const Index values = std::min(pair_k, depth - k);
      pack_bf16_pairs<PairOrder::k_major, SplitPart::high>(block, count, values, panel + col,
                                                           panel_cols);
      if (input != GemmInput::bf16_split) continue;
      pack_bf16_pairs<PairOrder::k_major, SplitPart::low>(block, count, values,
                                                          panel + high_parts + col, panel_cols);
    }
    panel += pair_block * panel_step(input);
  }
}

/// Values [k, k + depth) of a panel of pairs as one of floats.
inline void unpack_panel_of_pairs(const float* pairs, GemmInput input, Index k, Index depth,
                                  float* panel) {
  constexpr Index high_parts = pair_block * panel_cols;
  std::array<float, panel_cols> low{};
  for (Index i = k; i < k + depth; ++i, panel += panel_cols) {
    const float* line =
        pairs + i / pair_k * pair_block * panel_step(input) + i % pair_k / 2 * panel_cols;
    unpair_row(line, i, panel_cols, panel);
    if (input != GemmInput::bf16_split) continue;
    unpair_row(line + high_parts, i, panel_cols, low.data());
    for (Index j = 0; j < panel_cols; ++j) panel[j] += low[static_cast<std::size_t>(j)];
  }
}

#endif

}  // namespace tessera::kernels
