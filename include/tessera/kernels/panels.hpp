#pragma once

#include <algorithm>
#include <array>

#include "tessera/core/memory.hpp"
#include "tessera/kernels/bfloat16.hpp"
#include "tessera/kernels/micro_kernel.hpp"

// The right-hand side of a product as the micro-kernel reads it: panels of 32 columns, within a
// panel k after k. Columns that the matrix does not have are zeros.

namespace tessera::kernels {

inline Index panel_count(Index cols) { return (cols + panel_cols - 1) / panel_cols; }

/// Products run over k in blocks: a panel's block then stays in the second-level cache. The blocks
/// depend on the depth alone, and so does the order in which an element of c is summed.
inline Index depth_block(Index depth) {
  constexpr Index longest = 512;
  const Index blocks = std::max<Index>(1, (depth + longest - 1) / longest);
  return (depth + blocks - 1) / blocks;
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

#if defined(__GNUC__)

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

#endif

#if defined(__x86_64__) && defined(__GNUC__)

/// pack_panel as words of bfloat16 pairs: `depth` values of k make half as many steps.
inline void pack_pairs(const float* from, Index stride, Index depth, Index cols, float* panel) {
  constexpr std::array<float, panel_cols> zeros{};
  for (Index k = 0; k < depth; k += 2) {
    float* words = panel + k / 2 * panel_cols;
    const float* even = from + k * stride;
    pair_rows(even, k + 1 < depth ? even + stride : zeros.data(), cols, words);
    std::fill(words + cols, words + panel_cols, 0.0F);
  }
}

/// pack_panel_transposed as words of bfloat16 pairs.
inline void pack_pairs_transposed(const float* from, Index stride, Index depth, Index cols,
                                  float* panel) {
  const Index words = pair_count(depth);
  const Index row_stride = words + 16;  // rows of words apart from each other in every cache
  Buffer<float> rows(static_cast<std::size_t>(cols * row_stride));
  for (Index j = 0; j < cols; ++j) {
    pair_columns(from + j * stride, depth, rows.data() + j * row_stride);
  }
  pack_panel_transposed(rows.data(), row_stride, words, cols, panel);
}

/// A panel of words as one of floats, from k on.
inline void unpack_pairs(const float* words, Index k, Index depth, float* panel) {
  for (Index i = 0; i < depth; ++i) {
    unpair_row(words + (k + i) / 2 * panel_cols, k + i, panel_cols, panel + i * panel_cols);
  }
}

#endif

}  // namespace tessera::kernels
