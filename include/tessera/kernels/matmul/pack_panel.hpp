#pragma once

#include <algorithm>
#include <array>

#include "tessera/core/memory.hpp"
#include "tessera/kernels/matmul/bf16_pairs.hpp"
#include "tessera/kernels/matmul/micro_kernel.hpp"

// The right-hand side of a product as the micro-kernel reads it: panels of 32 columns, within a
// panel k after k. Columns that the matrix does not have are zeros.

namespace tessera::kernels {

/// Floats, or words, that a panel holds per step.
inline Index step_words(InputForm form) {
  return form == InputForm::split ? 2 * panel_cols : panel_cols;
}

inline Index panel_count(Index cols) { return (cols + panel_cols - 1) / panel_cols; }

/// Products run over k in blocks of at most `longest` steps: a panel's block then stays in cache.
/// The blocks depend on the depth alone, and so does the order in which an element of c is summed.
/// They are made of whole blocks of words.
inline Index depth_block(Index depth, Index longest) {
  const Index blocks = std::max<Index>(1, (depth + longest - 1) / longest);
  return (depth + 16 * blocks - 1) / (16 * blocks) * 16;
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

/// A panel of words: for every 16 of them 16 x 32 rounded ones, then with InputForm::split as many
/// of what rounding left over. `cols` lanes of `from` make the columns.
inline void pack_words(const Lanes& from, Index depth, Index cols, InputForm form, float* panel) {
  constexpr Index block = block_words * panel_cols;
  for (Index k = 0; k < depth; k += block_depth) {
    for (Index col = 0; col < panel_cols; col += block_lanes) {
      const Lanes lanes{from.at(col, k), from.row, from.step};
      const Index count = std::clamp<Index>(cols - col, 0, block_lanes);
      const Index steps = std::min(block_depth, depth - k);
      make_words<WordOrder::by_step, WordPart::rounded>(lanes, count, steps, panel + col,
                                                        panel_cols);
      if (form != InputForm::split) continue;
      make_words<WordOrder::by_step, WordPart::rest>(lanes, count, steps, panel + block + col,
                                                     panel_cols);
    }
    panel += block_words * step_words(form);
  }
}

/// Steps [k, k + depth) of a panel of words as one of floats.
inline void unpack_words(const float* words, InputForm form, Index k, Index depth, float* panel) {
  constexpr Index block = block_words * panel_cols;
  std::array<float, panel_cols> rest{};
  for (Index i = k; i < k + depth; ++i, panel += panel_cols) {
    const float* line =
        words + i / block_depth * block_words * step_words(form) + i % block_depth / 2 * panel_cols;
    unpair_row(line, i, panel_cols, panel);
    if (form != InputForm::split) continue;
    unpair_row(line + block, i, panel_cols, rest.data());
    for (Index j = 0; j < panel_cols; ++j) panel[j] += rest[static_cast<std::size_t>(j)];
  }
}

#endif

}  // namespace tessera::kernels
