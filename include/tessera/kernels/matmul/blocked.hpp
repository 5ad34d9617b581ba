#pragma once

#include <algorithm>
#include <array>

#include "tessera/kernels/matmul/epilogue.hpp"
#include "tessera/kernels/matmul/micro_kernel_amx.hpp"
#include "tessera/kernels/matmul/micro_kernel_bf16.hpp"
#include "tessera/kernels/matmul/pack_a.hpp"
#include "tessera/kernels/partition.hpp"

// float products in blocks that fit the caches, around the micro-kernel. Goto & van de Geijn,
// "Anatomy of high-performance matrix multiplication", 2008; here panels of b are what is packed
// and stays in cache, and a is read where it lies if its rows lie well.

namespace tessera::kernels {

/// What products in the calling thread's scope are computed from.
inline InputForm input_form() {
  const MatmulPrecision precision = current_matmul_precision();
  if (precision == MatmulPrecision::medium && current_isa() >= Isa::avx512_bf16) {
    return InputForm::pairs;
  }
  if (precision == MatmulPrecision::high && current_isa() >= Isa::amx) return InputForm::split;
  return InputForm::floats;
}

#if defined(__x86_64__)

/// c (+)= a * b, then the epilogue.
struct BlockedProduct {
  Lanes a;
  RightOperand b;
  MatrixView<float> c;
  bool accumulate = false;
  Epilogue<float> epilogue = {};
  bool a_holds_words = false;  ///< rounded ones, where b's panels do: see round_to_words
};

namespace detail {

// Rows of a cell that packs its panels itself: so many that packing costs little beside them.
inline constexpr Index rows_per_packing = 1024;

/// `cols` columns of `rows` rows, from one matrix to another.
inline void copy_block(const float* from, Index from_stride, Index rows, Index cols, float* to,
                       Index to_stride) {
  for (Index r = 0; r < rows; ++r) std::copy_n(from + r * from_stride, cols, to + r * to_stride);
}

/// Fetches a tile of c and its residual.
inline void prefetch_for(const Epilogue<float>& epilogue, const MatrixView<float>& c) {
  constexpr Index line = 64 / sizeof(float);
  for (Index r = 0; r < c.rows; ++r) {
    for (Index j = 0; j < c.cols; j += line) {
      __builtin_prefetch(c.row(r) + j, 1);
      if (epilogue.residual) __builtin_prefetch(epilogue.residual + r * c.stride + j);
    }
  }
}

/// One cell: some rows of c times some panels of b.
class ProductCell {
 public:
  /// From a word of the left-hand side to its rest there are `a_rest` words.
  ProductCell(const BlockedProduct& product, Index a_rest, const MicroKernel& kernel,
              RightPanels& panels, Index first_panel, Index panel_total)
      : product_(product),
        a_rest_(a_rest),
        kernel_(kernel),
        panels_(panels),
        first_panel_(first_panel),
        panel_total_(panel_total) {
    // Rows that share cache sets are copied a block at a time, unless LeftRows has copied them all.
    if (product.a.step != 1 || !shares_cache_sets(product.a.row)) return;
    left_stride_ = depth_block(panels.steps(), kernel.block_depth) + 16;
    left_ = Buffer<float>(static_cast<std::size_t>(kernel.block_rows * left_stride_));
  }

  void run(Index row, Index rows) {
    const EvenPieces row_blocks(rows, kernel_.block_rows, kernel_.row_unit);
    const Index steps = panels_.steps();
    const Index block = depth_block(steps, kernel_.block_depth);
    Index begun = 0;
    for (Index k = 0; k < steps; k += block) {
      const Index depth = std::min(block, steps - k);
      panels_.prepare(k, depth);
      for (Index i = 0; i < row_blocks.count; ++i) {
        if (kernel_.begin != nullptr && begun != row_blocks.size(i)) {
          begun = row_blocks.size(i);
          kernel_.begin(begun);
        }
        const Index first = row + row_blocks.begin(i);
        const Lanes a = left_block(first, row_blocks.size(i), k, depth);
        for (Index p = 0; p < panel_total_; ++p) {
          multiply_panel(a, p, k, depth, first, row_blocks.size(i));
        }
      }
    }
    if (kernel_.end != nullptr) kernel_.end();
  }

 private:
  /// `rows` rows of a from `row` on and `depth` steps from k on, as the tiles read them.
  Lanes left_block(Index row, Index rows, Index k, Index depth) {
    const Lanes there{product_.a.at(row, k), product_.a.row, product_.a.step};
    if (left_stride_ == 0) return there;
    copy_block(there.data, there.row, rows, depth, left_.data(), left_stride_);
    return {left_.data(), left_stride_, 1};
  }

  /// `rows` rows of c from `row` on: those of a, times panel p, for `depth` steps from k on.
  void multiply_panel(const Lanes& a, Index p, Index k, Index depth, Index row, Index rows) {
    const EvenPieces tiles(rows, kernel_.max_rows);
    const Index col = (first_panel_ + p) * panel_cols - product_.b.skip;
    const bool last = k + depth == panels_.steps();
    const Epilogue<float> epilogue = last ? product_.epilogue : Epilogue<float>{};
    TileProduct tile{};
    tile.a_row = a.row;
    tile.a_step = a.step;
    tile.a_rest = a_rest_;
    tile.b_step = panels_.step();
    tile.depth = depth;
    tile.accumulate = product_.accumulate || k > 0;
    for (Index t = 0; t < tiles.count; ++t) {
      tile.rows = tiles.size(t);
      tile.a = a.at(tiles.begin(t), 0);
      tile.next = panels_.next(p, t);
      multiply_tile(tile, panels_.panel(p), row + tiles.begin(t), col, epilogue);
    }
  }

  /// The rows of one tile times the 32 columns of c from `col` on, those that exist. A tile that
  /// sticks out or has an epilogue is computed aside, for rows of c may share cache sets: what a
  /// tile has written there is not all in the first-level cache any more when its epilogue comes.
  void multiply_tile(TileProduct& tile, const float* panel, Index row, Index col,
                     const Epilogue<float>& epilogue) const {
    alignas(64) std::array<float, 32 * panel_cols> aside;
    const Index begin = std::max<Index>(0, -col);
    const Index end = std::min(panel_cols, product_.c.cols - col);
    const MatrixView<float> c = product_.c.block(row, col + begin, tile.rows, end - begin);
    const bool direct = end - begin == panel_cols && epilogue.empty();
    const Epilogue<float> of_tile = epilogue.block(row, col + begin, c.stride);
    if (!direct) prefetch_for(of_tile, c);
    if (!direct && tile.accumulate) {
      if (c.cols < panel_cols) aside.fill(0.0F);
      copy_block(c.data, c.stride, c.rows, c.cols, aside.data() + begin, panel_cols);
    }
    float* const to = direct ? c.data : aside.data();
    tile.c_row = direct ? c.stride : panel_cols;
    for (Index piece = 0; piece < panel_cols; piece += kernel_.cols) {
      if (piece >= end || piece + kernel_.cols <= begin) continue;
      tile.b = panel + piece;
      tile.c = to + piece;
      kernel_.multiply(&tile);
    }
    if (direct) return;
    const MatrixView<const float> sums(aside.data() + begin, c.rows, c.cols, panel_cols);
    apply(of_tile, sums, c);
  }

  const BlockedProduct& product_;
  Index a_rest_;
  const MicroKernel& kernel_;
  RightPanels& panels_;
  Index first_panel_;
  Index panel_total_;
  Index left_stride_ = 0;
  Buffer<float> left_;
};

/// A sum over nothing.
inline void multiply_nothing(const BlockedProduct& product) {
  const MatrixView<float>& c = product.c;
  for (Index r = 0; r < c.rows && !product.accumulate; ++r) std::fill_n(c.row(r), c.cols, 0.0F);
  if (!product.epilogue.empty()) apply<float>(product.epilogue, c, c);
}

}  // namespace detail

/// The same where b lies in panels: what they hold decides, if the scope's instruction set has
/// products of it.
inline InputForm input_form(const RightOperand& b) {
  if (!b.in_panels()) return input_form();
  const InputForm form = b.panel_form();
  const Isa needed = form == InputForm::split ? Isa::amx : Isa::avx512_bf16;
  return current_isa() >= needed ? form : InputForm::floats;
}

inline const MicroKernel& micro_kernel(InputForm form) {
  if (form == InputForm::floats) return micro_kernel(current_isa());
  if (form == InputForm::split) return detail::amx_split_kernel;
  return current_isa() >= Isa::amx ? detail::amx_pair_kernel : micro_kernel_of_pairs();
}

/// Computes a product on the kernels of the scope's instruction set, in its precision; b in panels
/// has the precision it was packed in.
inline void multiply(BlockedProduct product) {
  if (product.c.rows == 0 || product.c.cols == 0) return;
  if (product.b.depth == 0) return detail::multiply_nothing(product);
  const InputForm form = input_form(product.b);
  const MicroKernel& kernel = micro_kernel(form);
  Buffer<float> panels_of_b;
  if (worth_packing_whole(product.b, product.c.rows)) {
    product.b = pack_whole(product.b, form, panels_of_b);
  }
  const LeftRows left(product.a, product.c.rows, product.b.depth, form, product.a_holds_words);
  product.a = left.operand();
  const Index block = depth_block(step_count(product.b.depth, form), kernel.block_depth);
  const EvenPieces rows(product.c.rows,
                        product.b.in_panels() ? kernel.cell_rows : detail::rows_per_packing,
                        kernel.row_unit);
  const Index panels = panel_count(product.b.skip + product.c.cols);
  // Wide cells read a less often; sixteen of them are enough for a few threads.
  const Index wide = std::clamp<Index>(panels * rows.count / 16, 1, kernel.cell_panels);
  const EvenPieces strips(panels, wide);
  parallel_for(strips.count * rows.count, [&](Index cell) {
    const Index first = strips.begin(cell % strips.count);
    const Index count = strips.size(cell % strips.count);
    const Index piece = cell / strips.count;
    RightPanels right(product.b, form, first, count, rows.size(piece), block);
    detail::ProductCell(product, left.rest(), kernel, right, first, count)
        .run(rows.begin(piece), rows.size(piece));
  });
}

#endif

}  // namespace tessera::kernels
