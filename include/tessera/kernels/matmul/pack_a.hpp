#pragma once

#include <algorithm>

#include "tessera/core/memory.hpp"
#include "tessera/core/threads/parallel.hpp"
#include "tessera/kernels/matmul/pack_panel.hpp"
#include "tessera/kernels/matrix_view.hpp"

namespace tessera::kernels {

#if defined(__x86_64__)

/// A as the micro-kernel reads it: where it lies if that is as good, packed otherwise.
class PackedA {
 public:
  /// A has `rows` rows and `depth` values of k in each. With `holds_pairs` its rows hold what
  /// GemmInput::bf16 reads already, and stay where they are.
  PackedA(const StridedOperand& a, Index rows, Index depth, GemmInput input,
          bool holds_pairs = false)
      : operand_(a) {
    if (holds_pairs) return;
    if (input != GemmInput::f32) {
      pack_pairs(rows, depth, input);
    } else if (a.k_stride != 1 && (shares_cache_sets(a.k_stride) || depth >= transposed_depth)) {
      transpose(rows, depth);
    } else if (a.k_stride == 1 && shares_cache_sets(a.outer_stride) &&
               rows * depth <= few_elements) {
      spread(rows, depth);
    }
  }

  const StridedOperand& operand() const { return operand_; }
  /// From a high part to its low part; 0 unless the input is split.
  Index low_part() const { return low_part_; }

 private:
  // Found on x^T y of compare_matmul.py: from 512 values of k on, each on a line of its own, a cell
  // reads too much far apart, and the transpose pays.
  static constexpr Index transposed_depth = 512;
  // Two megabytes, which stay in cache until they are read. A small A whose rows share cache sets
  // is copied once, 50 x 768 x 3072 then runs at 0.93 instead of 0.77 of the peak; of a large one
  // each cell copies its part when it gets there, 5 % of an MAE forward pass of eight images.
  static constexpr Index few_elements = Index{1} << 19;

  /// Memory for `rows` rows that do not share cache sets; the distance between two of them.
  Index make_room(Index rows, Index depth) {
    const Index stride = depth + (shares_cache_sets(depth) ? cache_set_gap : 0);
    copy_ = Buffer<float>(static_cast<std::size_t>(rows * stride));
    return stride;
  }

  /// Rows that share cache sets are moved apart, once for all cells.
  void spread(Index rows, Index depth) {
    constexpr Index rows_per_cell = 16;
    const Index to_stride = make_room(rows, depth);
    parallel_ranges(rows, rows_per_cell, [&](Index begin, Index end) {
      for (Index r = begin; r < end; ++r) {
        std::copy_n(operand_.at(r, 0), depth, copy_.data() + r * to_stride);
      }
    });
    operand_ = {copy_.data(), to_stride, 1};
  }

  /// A [depth, rows] becomes [rows, depth]: lines of memory that are read one after the other.
  void transpose(Index rows, Index depth) {
    constexpr Index rows_per_line = 16;  // of the cache
    constexpr Index lines_ahead = 16;
    const Index stride = operand_.k_stride;
    const Index to_stride = make_room(rows, depth);
    parallel_ranges(rows, rows_per_line, [&](Index begin, Index end) {
      const bool whole = end - begin == rows_per_line;
      const Index fours = whole ? depth / 4 * 4 : 0;
      for (Index k = 0; k < fours; k += 4) {
        const float* from = operand_.data + k * stride + begin;
        for (Index i = 0; i < 4; ++i) __builtin_prefetch(from + (lines_ahead + i) * stride);
        for (Index r = 0; r < rows_per_line; r += 4) {
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

  /// A becomes rows of pairs, whatever its strides.
  void pack_pairs(Index rows, Index depth, GemmInput input) {
    const Index pairs = pair_count(depth);
    // An odd number of cache lines, so that the rows of a tile are spread over all cache sets.
    const Index to_stride = pairs + (pairs / cache_set_gap % 2 == 0 ? cache_set_gap : 0);
    const Index whole_rows = (rows + pair_block - 1) / pair_block * pair_block;
    low_part_ = input == GemmInput::bf16_split ? whole_rows * to_stride : 0;
    copy_ = Buffer<float>(static_cast<std::size_t>(whole_rows * to_stride + low_part_));
    constexpr Index rows_per_cell = 4 * pair_block;  // what lies side by side is read together
    parallel_ranges(rows, rows_per_cell, [&](Index begin, Index end) {
      const Index together = operand_.k_stride == 1 ? pair_block : rows_per_cell;
      for (Index first = begin; first < end; first += together) {
        for (Index k = 0; k < depth; k += pair_k) {
          for (Index r = first; r < std::min(end, first + together); r += pair_block) {
            const StridedOperand block = operand_.from(r, k);
            const Index count = std::min(pair_block, end - r);
            const Index values = std::min(pair_k, depth - k);
            float* to = copy_.data() + r * to_stride + k / 2;
            pack_bf16_pairs<PairOrder::outer_major, SplitPart::high>(block, count, values, to,
                                                                     to_stride);
            if (input != GemmInput::bf16_split) continue;
            pack_bf16_pairs<PairOrder::outer_major, SplitPart::low>(block, count, values,
                                                                    to + low_part_, to_stride);
          }
        }
      }
    });
    operand_ = {copy_.data(), to_stride, 1};
  }

  StridedOperand operand_;
  Index low_part_ = 0;
  Buffer<float> copy_;
};

#endif

}  // namespace tessera::kernels
