#pragma once

#include <algorithm>

#include "tessera/core/threads/parallel.hpp"
#include "tessera/kernels/matmul/pack_b.hpp"

namespace tessera::kernels {

#if defined(__x86_64__)

/// a as the micro-kernel reads it: where it lies if that is as good, copied otherwise.
class LeftRows {
 public:
  /// a has `rows` rows and `depth` values of k in each; it is read in `form`. Words that it holds
  /// already stay where they are.
  LeftRows(const Lanes& a, Index rows, Index depth, InputForm form, bool holds_words = false)
      : operand_(a) {
    if (holds_words) return;
    constexpr Index depth_worth_transposing = 512;  // beyond, a cell reads too much far apart
    constexpr Index few_elements = Index{1} << 19;  // two megabytes, which stay in cache meanwhile
    if (form != InputForm::floats) {
      make_words(rows, depth, form);
    } else if (a.step != 1 && (shares_cache_sets(a.step) || depth >= depth_worth_transposing)) {
      transpose(rows, depth);
    } else if (a.step == 1 && shares_cache_sets(a.row) && rows * depth <= few_elements) {
      spread(rows, depth);
    }
  }

  const Lanes& operand() const { return operand_; }
  /// From a word to what its rounding left over.
  Index rest() const { return rest_; }

 private:
  static constexpr Index gap = 16;  // between rows, so that they do not share cache sets

  /// Memory for `rows` rows that do not share cache sets; the distance between two of them.
  Index make_room(Index rows, Index depth) {
    const Index stride = depth + (shares_cache_sets(depth) ? gap : 0);
    copy_ = Buffer<float>(static_cast<std::size_t>(rows * stride));
    return stride;
  }

  /// Rows that share cache sets are moved apart, once for all cells. Of a large a each cell copies
  /// its part when it gets there.
  void spread(Index rows, Index depth) {
    const Index to_stride = make_room(rows, depth);
    parallel_ranges(rows, block_lanes, [&](Index begin, Index end) {
      for (Index r = begin; r < end; ++r) {
        std::copy_n(operand_.at(r, 0), depth, copy_.data() + r * to_stride);
      }
    });
    operand_ = {copy_.data(), to_stride, 1};
  }

  /// a [depth, rows] becomes [rows, depth]: lines of memory that are read one after the other.
  void transpose(Index rows, Index depth) {
    constexpr Index block = 16;  // rows of one cache line of a
    const Index stride = operand_.step;
    const Index to_stride = make_room(rows, depth);
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

  /// a becomes rows of words, whatever its strides.
  void make_words(Index rows, Index depth, InputForm form) {
    const Index words = pair_count(depth);
    // An odd number of cache lines, so that the rows of a tile are spread over all cache sets.
    const Index to_stride = words + (words / 16 % 2 == 0 ? gap : 0);
    const Index lanes = (rows + block_lanes - 1) / block_lanes * block_lanes;
    rest_ = form == InputForm::split ? lanes * to_stride : 0;
    copy_ = Buffer<float>(static_cast<std::size_t>(lanes * to_stride + rest_));
    constexpr Index lanes_per_cell = 4 * block_lanes;  // what lies side by side is read together
    parallel_ranges(rows, lanes_per_cell, [&](Index begin, Index end) {
      const Index together = operand_.step == 1 ? block_lanes : lanes_per_cell;
      for (Index first = begin; first < end; first += together) {
        for (Index k = 0; k < depth; k += block_depth) {
          for (Index r = first; r < std::min(end, first + together); r += block_lanes) {
            const Lanes from{operand_.at(r, k), operand_.row, operand_.step};
            const Index count = std::min(block_lanes, end - r);
            const Index steps = std::min(block_depth, depth - k);
            float* to = copy_.data() + r * to_stride + k / 2;
            kernels::make_words<WordOrder::by_lane, WordPart::rounded>(from, count, steps, to,
                                                                       to_stride);
            if (form != InputForm::split) continue;
            kernels::make_words<WordOrder::by_lane, WordPart::rest>(from, count, steps, to + rest_,
                                                                    to_stride);
          }
        }
      }
    });
    operand_ = {copy_.data(), to_stride, 1};
  }

  Lanes operand_;
  Index rest_ = 0;
  Buffer<float> copy_;
};

#endif

}  // namespace tessera::kernels
