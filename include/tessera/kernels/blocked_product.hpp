#pragma once

#include <algorithm>
#include <array>

#include "tessera/core/memory.hpp"
#include "tessera/core/parallel.hpp"
#include "tessera/kernels/epilogue.hpp"
#include "tessera/kernels/panels.hpp"

// float products in blocks that fit the caches, around the micro-kernel. Goto & van de Geijn,
// "Anatomy of high-performance matrix multiplication", 2008; here the panels of b are what is
// packed and stays in cache, and a is read where it lies.

namespace tessera::kernels {

/// How the right-hand side lies in memory.
enum class RightLayout {
  depth_by_cols,  ///< b [K, N]
  cols_by_depth,  ///< b [N, K], used transposed
  panels,         ///< panels.hpp, all of K in each panel
};

/// c [rows, cols] (+)= a * b, then the epilogue.
struct BlockedProduct {
  Index rows;
  Index cols;
  Index depth;
  const float* a;
  Index a_row;   ///< between the elements of a that belong to two neighbouring rows of c
  Index a_step;  ///< between those of two neighbouring k
  const float* b;
  Index b_stride;  ///< between two rows of b; of no meaning for panels
  RightLayout b_layout;
  Index skip;  ///< columns of the first panel that belong to no column of c; 0 unless panels
  float* c;
  Index c_stride;
  bool accumulate;
  Epilogue<float> epilogue;
};

#if defined(__x86_64__) && defined(__GNUC__)

namespace detail {

/// Cuts [0, count) into pieces that differ by at most one.
struct EvenPieces {
  Index count;
  Index pieces;

  EvenPieces(Index total, Index longest)
      : count(total), pieces(std::max<Index>(1, (total + longest - 1) / longest)) {}
  Index begin(Index piece) const { return piece * count / pieces; }
  Index size(Index piece) const { return begin(piece + 1) - begin(piece); }
};

// What one cell of the parallel loop computes. 64 columns of a ViT-B product over 50 rows take
// some 40 microseconds: long beside the start of a cell, short beside the whole.
inline constexpr Index cell_panels = 2;
inline constexpr Index cell_rows = 1024;
// Rows of a whose block of k stays in the second-level cache while the panels pass.
inline constexpr Index cached_rows = 112;
// From so many rows on, copying [K, N] panels costs less than reading them far apart in memory.
inline constexpr Index rows_worth_packing = 64;

/// Panels of one block of k: of the caller's b itself, or packed for this cell.
struct Panels {
  const float* data;
  Index step;        // between two k
  Index panel_step;  // between two panels
};

/// Rows that lie a multiple of 4 KiB apart share a few sets of every cache: a column of them does
/// not stay in any.
inline bool shares_cache_sets(Index stride) {
  constexpr Index distance = 4096 / sizeof(float);
  return stride % distance == 0;
}

/// Copies one tile's result from the scratch it was computed in to columns [first, last) of c.
inline void copy_edge(const float* edge, Index rows, Index first, Index last, float* c,
                      Index c_stride, bool accumulate) {
  for (Index r = 0; r < rows; ++r) {
    const float* from = edge + r * panel_cols;
    float* to = c + r * c_stride;
    for (Index j = first; j < last; ++j) to[j] = accumulate ? to[j] + from[j] : from[j];
  }
}

/// One cell: rows [row, row + rows) of c, panels [panel, panel + panels) of b.
class ProductCell {
 public:
  ProductCell(const BlockedProduct& product, const MicroKernel& kernel, Index panel, Index panels)
      : product_(product), kernel_(kernel), panel_(panel), panels_(panels) {
    const Index end = (panel + panels) * panel_cols;
    const bool few_rows = product.rows < rows_worth_packing && end <= product.cols &&
                          !shares_cache_sets(product.b_stride);
    in_place_ = product.b_layout == RightLayout::panels ||
                (product.b_layout == RightLayout::depth_by_cols && few_rows);
    if (in_place_) return;
    const Index block = depth_block(product.depth);
    packed_ = Buffer<float>(static_cast<std::size_t>(panels * panel_cols * block));
  }

  void run(Index row, Index rows) {
    const Index block = depth_block(product_.depth);
    const EvenPieces row_blocks(rows, cached_rows);
    for (Index k = 0; k < product_.depth; k += block) {
      const Index depth = std::min(block, product_.depth - k);
      const Panels panels = panels_at(k, depth);
      for (Index i = 0; i < row_blocks.pieces; ++i) {
        for (Index p = 0; p < panels_; ++p) {
          multiply_panel(panels, p, k, depth, row + row_blocks.begin(i), row_blocks.size(i));
        }
      }
    }
  }

 private:
  Panels panels_at(Index k, Index depth) {
    const Index col = panel_ * panel_cols;
    if (product_.b_layout == RightLayout::panels) {
      return {product_.b + col * product_.depth + k * panel_cols, panel_cols,
              panel_cols * product_.depth};
    }
    if (in_place_) {
      return {product_.b + k * product_.b_stride + col, product_.b_stride, panel_cols};
    }
    for (Index p = 0; p < panels_; ++p) pack(k, depth, col + p * panel_cols, p);
    return {packed_.data(), panel_cols, panel_cols * depth};
  }

  void pack(Index k, Index depth, Index col, Index p) {
    const Index cols = std::min(panel_cols, product_.cols - col);
    float* panel = packed_.data() + p * panel_cols * depth;
    const Index stride = product_.b_stride;
    if (product_.b_layout == RightLayout::cols_by_depth) {
      pack_panel_transposed(product_.b + col * stride + k, stride, depth, cols, panel);
    } else {
      pack_panel(product_.b + k * stride + col, stride, depth, cols, panel);
    }
  }

  /// `rows` rows of c from `row` on, times panel p of this cell and `depth` steps from k on.
  void multiply_panel(const Panels& panels, Index p, Index k, Index depth, Index row, Index rows) {
    const EvenPieces tiles(rows, kernel_.max_rows);
    const float* b = panels.data + p * panels.panel_step;
    TileProduct tile{};
    tile.a_row = product_.a_row;
    tile.a_step = product_.a_step;
    tile.b_step = panels.step;
    tile.depth = depth;
    for (Index t = 0; t < tiles.pieces; ++t) {
      const Index first = row + tiles.begin(t);
      tile.a = advanced(product_.a, first * product_.a_row + k * product_.a_step);
      tile.next = next_panel(panels, p, k, depth, t);
      multiply_tile(tile, b, (panel_ + p) * panel_cols - product_.skip, first, tiles.size(t),
                    product_.accumulate || k > 0, k + depth == product_.depth);
    }
  }

  /// What tile t of panel p fetches: the first two tiles share the two cache lines that every step
  /// of k has in the next panel.
  Prefetch next_panel(const Panels& panels, Index p, Index k, Index depth, Index t) const {
    constexpr Index line = 64 / sizeof(float);
    const float* next = panels.data + (p + 1) * panels.panel_step;
    if (t >= 2) return {panels.data, 0, depth, 0};
    if (panels.step != panel_cols) return {next + t * line, panels.step, depth, 0};
    if (product_.b_layout == RightLayout::panels) return {next + t * line * depth, line, depth, 0};
    if (product_.b_layout == RightLayout::depth_by_cols) return {panels.data, 0, depth, 0};
    // Rows of b that the next cell will pack.
    const Index lines = (depth + line - 1) / line;
    const Index row = (panel_ + panels_ + p) * panel_cols + t * line;
    return {product_.b + row * product_.b_stride + k, line, lines,
            product_.b_stride - lines * line};
  }

  /// The rows of one tile times the 32 columns of c from `col` on, those that exist.
  void multiply_tile(TileProduct& tile, const float* b, Index col, Index row, Index rows,
                     bool accumulate, bool last) {
    alignas(64) std::array<float, 14 * panel_cols> edge;
    float* c = product_.c + row * product_.c_stride;
    for (Index piece = 0; piece < panel_cols; piece += kernel_.cols) {
      const Index at = col + piece;
      const Index begin = std::max<Index>(0, -at);
      const Index end = std::min(kernel_.cols, product_.cols - at);
      if (begin >= end) continue;
      const bool whole = begin == 0 && end == kernel_.cols;
      tile.b = b + piece;
      tile.c = whole ? c + at : edge.data();
      tile.c_row = whole ? product_.c_stride : panel_cols;
      tile.accumulate = whole && accumulate;
      kernel_.of_rows[static_cast<std::size_t>(rows)](&tile);
      if (!whole) copy_edge(edge.data(), rows, begin, end, c + at, product_.c_stride, accumulate);
    }
    if (!last || product_.epilogue.empty()) return;
    const Index begin = std::max<Index>(0, col);
    const Index end = std::min(col + panel_cols, product_.cols);
    apply(product_.epilogue.block(row, begin, product_.c_stride),
          MatrixView<float>(c + begin, rows, end - begin, product_.c_stride));
  }

  const BlockedProduct& product_;
  const MicroKernel& kernel_;
  Index panel_;
  Index panels_;
  bool in_place_;
  Buffer<float> packed_;
};

/// Gives a copy of a whose rows do not share cache sets, if a's do, and reads that instead.
inline Buffer<float> spread_rows(BlockedProduct& product) {
  const bool by_rows = product.a_step == 1;
  Index& stride = by_rows ? product.a_row : product.a_step;
  const Index rows = by_rows ? product.rows : product.depth;
  const Index cols = by_rows ? product.depth : product.rows;
  if (!shares_cache_sets(stride) || rows <= 4 || product.cols <= panel_cols) return {};
  const Index spread = cols + 16;
  Buffer<float> copy(static_cast<std::size_t>(rows * spread));
  parallel_ranges(rows, 64, [&](Index begin, Index end) {
    for (Index r = begin; r < end; ++r) {
      std::copy_n(product.a + r * stride, cols, copy.data() + r * spread);
    }
  });
  product.a = copy.data();
  stride = spread;
  return copy;
}

/// A sum over nothing.
inline void multiply_nothing(const BlockedProduct& product) {
  const MatrixView<float> c(product.c, product.rows, product.cols, product.c_stride);
  for (Index r = 0; r < c.rows && !product.accumulate; ++r) std::fill_n(c.row(r), c.cols, 0.0F);
  if (!product.epilogue.empty()) apply(product.epilogue, c);
}

}  // namespace detail

inline void multiply(BlockedProduct product) {
  if (product.rows == 0 || product.cols == 0) return;
  if (product.depth == 0) return detail::multiply_nothing(product);
  const Buffer<float> copy = detail::spread_rows(product);
  const MicroKernel& kernel = micro_kernel(current_isa());
  const detail::EvenPieces row_pieces(product.rows, detail::cell_rows);
  const Index panels = panel_count(product.skip + product.cols);
  const Index strips = (panels + detail::cell_panels - 1) / detail::cell_panels;
  parallel_for(strips * row_pieces.pieces, [&](Index cell) {
    const Index piece = cell / strips;
    const Index panel = cell % strips * detail::cell_panels;
    detail::ProductCell(product, kernel, panel, std::min(detail::cell_panels, panels - panel))
        .run(row_pieces.begin(piece), row_pieces.size(piece));
  });
}

#endif

}  // namespace tessera::kernels
