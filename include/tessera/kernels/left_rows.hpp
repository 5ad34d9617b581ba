#pragma once

#include <algorithm>

#include "tessera/core/parallel.hpp"
#include "tessera/kernels/right_panels.hpp"

namespace tessera::kernels {

/// The left-hand side a of a product: the element of row r of c and step k is
/// data[r * row + k * step]. One of the two strides is 1.
struct LeftOperand {
  const float* data;
  Index row;
  Index step;

  const float* at(Index r, Index k) const { return data + r * row + k * step; }
};

#if defined(__x86_64__) && defined(__GNUC__)

/// a as the micro-kernel reads it: where it lies if that is as good, copied otherwise.
class LeftRows {
 public:
  /// a has `rows` rows and `depth` steps; with `pairs` it is read as words of two bfloat16.
  LeftRows(const LeftOperand& a, Index rows, Index depth, bool pairs) : operand_(a) {
    const bool by_rows = a.step == 1;
    const Index stride = by_rows ? a.row : a.step;
    constexpr Index depth_worth_transposing = 512;  // beyond, a cell reads too much far apart
    if (pairs) {
      by_rows ? pair_along_rows(rows, depth) : pair_across_rows(rows, depth);
    } else if (by_rows) {
      if (shares_cache_sets(stride)) spread(rows, depth);
    } else if (shares_cache_sets(stride) || depth >= depth_worth_transposing) {
      transpose(rows, depth);
    }
  }

  const LeftOperand& operand() const { return operand_; }

 private:
  static constexpr Index rows_per_cell = 32;
  static constexpr Index gap = 16;  // between rows, so that they do not share cache sets

  /// Calls copy(from, to, r) for `count` lines of a, which become lines of `length` in the copy.
  template <class Copy>
  void copy_lines(Index count, Index length, const Copy& copy) {
    const bool by_rows = operand_.step == 1;
    const Index from_stride = by_rows ? operand_.row : operand_.step;
    const Index to_stride = length + (shares_cache_sets(length) ? gap : 0);
    copy_ = Buffer<float>(static_cast<std::size_t>(count * to_stride));
    parallel_ranges(count, rows_per_cell, [&](Index begin, Index end) {
      for (Index r = begin; r < end; ++r) {
        copy(operand_.data, from_stride, r, copy_.data() + r * to_stride);
      }
    });
    operand_ =
        by_rows ? LeftOperand{copy_.data(), to_stride, 1} : LeftOperand{copy_.data(), 1, to_stride};
  }

  void spread(Index rows, Index depth) {
    copy_lines(rows, depth, [&](const float* from, Index stride, Index r, float* to) {
      std::copy_n(from + r * stride, depth, to);
    });
  }

  /// a [depth, rows] becomes [rows, depth]: lines of memory that are read one after the other.
  void transpose(Index rows, Index depth) {
    constexpr Index block = 16;  // rows of one cache line of a
    const Index stride = operand_.step;
    const Index to_stride = depth + (shares_cache_sets(depth) ? gap : 0);
    copy_ = Buffer<float>(static_cast<std::size_t>(rows * to_stride));
    parallel_ranges(rows, block, [&](Index begin, Index end) {
      const bool whole = end - begin == block;
      const Index fours = whole ? depth / 4 * 4 : 0;
      for (Index k = 0; k < fours; k += 4) {
        const float* from = operand_.data + k * stride + begin;
        for (Index i = 0; i < 4; ++i) __builtin_prefetch(from + (16 + i) * stride);
        for (Index r = 0; r < block; r += 4) {
          detail::transpose_4x4(from + r, stride, copy_.data() + (begin + r) * to_stride + k,
                                to_stride);
        }
      }
      for (Index k = fours; k < depth; ++k) {
        for (Index r = begin; r < end; ++r) copy_.data()[r * to_stride + k] = *operand_.at(r, k);
      }
    });
    operand_ = {copy_.data(), to_stride, 1};
  }

  void pair_along_rows(Index rows, Index depth) {
    copy_lines(rows, pair_count(depth), [&](const float* from, Index stride, Index r, float* to) {
      pair_columns(from + r * stride, depth, to);
    });
  }

  void pair_across_rows(Index rows, Index depth) {
    Buffer<float> zeros(static_cast<std::size_t>(rows));  // the odd row that an odd depth lacks
    std::fill_n(zeros.data(), rows, 0.0F);
    copy_lines(pair_count(depth), rows, [&](const float* from, Index stride, Index k, float* to) {
      const float* even = from + 2 * k * stride;
      pair_rows(even, 2 * k + 1 < depth ? even + stride : zeros.data(), rows, to);
    });
  }

  LeftOperand operand_;
  Buffer<float> copy_;
};

#endif

}  // namespace tessera::kernels
