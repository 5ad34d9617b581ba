#pragma once

#include <algorithm>
#include <array>

#include "tessera/kernels/epilogue.hpp"
#include "tessera/kernels/left_rows.hpp"
#include "tessera/kernels/pair_kernel.hpp"

// float products in blocks that fit the caches, around the micro-kernel. Goto & van de Geijn,
// "Anatomy of high-performance matrix multiplication", 2008; here panels of b are what is packed
// and stays in cache, and a is read where it lies.

namespace tessera::kernels {

#if defined(__x86_64__) && defined(__GNUC__)

/// c (+)= a * b, then the epilogue.
struct BlockedProduct {
  LeftOperand a;
  RightOperand b;
  MatrixView<float> c;
  bool accumulate = false;
  Epilogue<float> epilogue = {};
};

namespace detail {

/// Cuts [0, count) into pieces that differ by at most one.
struct EvenPieces {
  Index total;
  Index count;

  EvenPieces(Index all, Index longest)
      : total(all), count(std::max<Index>(1, (all + longest - 1) / longest)) {}
  Index begin(Index piece) const { return piece * total / count; }
  Index size(Index piece) const { return begin(piece + 1) - begin(piece); }
};

// What one cell of the parallel loop computes. 64 columns of a ViT-B product over 50 rows take
// some 40 microseconds: long beside the start of a cell, short beside the whole.
inline constexpr Index cell_panels = 2;
inline constexpr Index cell_rows = 1024;
// Rows of a whose block of k stays in the second-level cache while the panels pass.
inline constexpr Index cached_rows = 112;

/// c's columns [first, last), of `rows` rows, (+)= those of a tile that was computed aside.
inline void copy_edge(const float* edge, Index rows, Index first, Index last, float* c,
                      Index c_stride, bool accumulate) {
  for (Index r = 0; r < rows; ++r) {
    const float* from = edge + r * panel_cols;
    float* to = c + r * c_stride;
    for (Index j = first; j < last; ++j) to[j] = accumulate ? to[j] + from[j] : from[j];
  }
}

/// One cell: some rows of c times some panels of b.
class ProductCell {
 public:
  ProductCell(const BlockedProduct& product, const MicroKernel& kernel, RightPanels& panels,
              Index first_panel, Index panel_total)
      : product_(product),
        kernel_(kernel),
        panels_(panels),
        first_panel_(first_panel),
        panel_total_(panel_total) {}

  void run(Index row, Index rows) {
    const EvenPieces row_blocks(rows, cached_rows);
    const Index steps = panels_.steps();
    const Index block = depth_block(steps);
    for (Index k = 0; k < steps; k += block) {
      const Index depth = std::min(block, steps - k);
      panels_.prepare(k, depth);
      for (Index i = 0; i < row_blocks.count; ++i) {
        for (Index p = 0; p < panel_total_; ++p) {
          multiply_panel(p, k, depth, row + row_blocks.begin(i), row_blocks.size(i));
        }
      }
    }
  }

 private:
  /// `rows` rows of c from `row` on, times panel p and `depth` steps from k on.
  void multiply_panel(Index p, Index k, Index depth, Index row, Index rows) {
    const EvenPieces tiles(rows, kernel_.max_rows);
    const Index col = (first_panel_ + p) * panel_cols - product_.b.skip;
    const bool last = k + depth == panels_.steps();
    TileProduct tile{};
    tile.a_row = product_.a.row;
    tile.a_step = product_.a.step;
    tile.b_step = panels_.step();
    tile.depth = depth;
    for (Index t = 0; t < tiles.count; ++t) {
      const Index first = row + tiles.begin(t);
      tile.a = product_.a.at(first, k);
      tile.next = panels_.next(p, t);
      const MatrixView<float> rows_of_c = product_.c.middle_rows(first, tiles.size(t));
      multiply_tile(tile, panels_.panel(p), col, rows_of_c, product_.accumulate || k > 0);
      if (last && !product_.epilogue.empty()) finish(first, col, rows_of_c);
    }
  }

  /// The rows of one tile times the 32 columns of c from `col` on, those that exist.
  void multiply_tile(TileProduct& tile, const float* panel, Index col, MatrixView<float> c,
                     bool accumulate) const {
    alignas(64) std::array<float, 14 * panel_cols> edge;
    for (Index piece = 0; piece < panel_cols; piece += kernel_.cols) {
      const Index at = col + piece;
      const Index begin = std::max<Index>(0, -at);
      const Index end = std::min(kernel_.cols, c.cols - at);
      if (begin >= end) continue;
      const bool whole = begin == 0 && end == kernel_.cols;
      tile.b = panel + piece;
      tile.c = whole ? c.data + at : edge.data();
      tile.c_row = whole ? c.stride : panel_cols;
      tile.accumulate = whole && accumulate;
      kernel_.of_rows[static_cast<std::size_t>(c.rows)](&tile);
      if (!whole) copy_edge(edge.data(), c.rows, begin, end, c.data + at, c.stride, accumulate);
    }
  }

  /// The epilogue of what multiply_tile has written.
  void finish(Index row, Index col, MatrixView<float> c) const {
    const Index begin = std::max<Index>(0, col);
    const Index end = std::min(col + panel_cols, c.cols);
    apply(product_.epilogue.block(row, begin, c.stride), c.block(0, begin, c.rows, end - begin));
  }

  const BlockedProduct& product_;
  const MicroKernel& kernel_;
  RightPanels& panels_;
  Index first_panel_;
  Index panel_total_;
};

/// A sum over nothing.
inline void multiply_nothing(const BlockedProduct& product) {
  const MatrixView<float>& c = product.c;
  for (Index r = 0; r < c.rows && !product.accumulate; ++r) std::fill_n(c.row(r), c.cols, 0.0F);
  if (!product.epilogue.empty()) apply(product.epilogue, c);
}

}  // namespace detail

/// Whether products of the calling thread's scope take bfloat16 inputs.
inline bool multiplies_pairs() {
  return current_matmul_precision() == MatmulPrecision::medium && current_isa() >= Isa::avx512_bf16;
}

/// Computes a product on the kernels of the scope's instruction set, in its precision; b in panels
/// has the precision it was packed in.
inline void multiply(BlockedProduct product) {
  if (product.c.rows == 0 || product.c.cols == 0) return;
  if (product.b.depth == 0) return detail::multiply_nothing(product);
  const bool pairs = product.b.layout == RightLayout::pair_panels
                         ? current_isa() >= Isa::avx512_bf16
                         : multiplies_pairs() && !product.b.in_panels();
  const MicroKernel& kernel = pairs ? micro_kernel_of_pairs() : micro_kernel(current_isa());
  const LeftRows left(product.a, product.c.rows, product.b.depth, pairs);
  product.a = left.operand();
  const detail::EvenPieces rows(product.c.rows, detail::cell_rows);
  const Index panels = panel_count(product.b.skip + product.c.cols);
  const Index strips = (panels + detail::cell_panels - 1) / detail::cell_panels;
  parallel_for(strips * rows.count, [&](Index cell) {
    const Index first = cell % strips * detail::cell_panels;
    const Index count = std::min(detail::cell_panels, panels - first);
    const Index piece = cell / strips;
    RightPanels right(product.b, pairs, first, count, rows.size(piece));
    detail::ProductCell(product, kernel, right, first, count)
        .run(rows.begin(piece), rows.size(piece));
  });
}

#endif

}  // namespace tessera::kernels
