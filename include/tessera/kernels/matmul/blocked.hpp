#pragma once

#include <algorithm>
#include <array>

#include "tessera/kernels/matmul/epilogue.hpp"
#include "tessera/kernels/matmul/micro_kernel_amx.hpp"
#include "tessera/kernels/matmul/micro_kernel_bf16.hpp"
#include "tessera/kernels/matmul/pack_a.hpp"
#include "tessera/kernels/matmul/pack_b.hpp"
#include "tessera/kernels/partition.hpp"

// Float products in blocks that fit the caches, around the micro-kernel. Goto & van de Geijn,
// "Anatomy of high-performance matrix multiplication", 2008; here panels of B are packed and stay
// in cache, and A is read where it lies if its rows lie well.
//
//   for each cell of C, in parallel              multiply: cell_rows x cell_panels panels
//     for kc steps of k after the other          ProductCell::run
//       for each block of A, mc rows
//         for each panel of B, 32 columns
//           for each tile, mr x nr elements      ProductCell::multiply_panel
//             the micro-kernel, over kc

namespace tessera::kernels {

/// The input of products in the calling thread's scope.
inline GemmInput gemm_input() {
  const MatmulPrecision precision = current_matmul_precision();
  if (precision == MatmulPrecision::medium && current_isa() >= Isa::avx512_bf16) {
    return GemmInput::bf16;
  }
  if (precision == MatmulPrecision::high && current_isa() >= Isa::amx) {
    return GemmInput::bf16_split;
  }
  return GemmInput::f32;
}

#if defined(__x86_64__)

/// The input of products with b: of b in panels it is what these hold, if the scope's instruction
/// set has products of it.
inline GemmInput gemm_input(const OperandB& b) {
  if (!b.in_panels()) return gemm_input();
  const GemmInput input = b.panel_input();
  const Isa needed = input == GemmInput::bf16_split ? Isa::amx : Isa::avx512_bf16;
  return current_isa() >= needed ? input : GemmInput::f32;
}

/// The kernel of the scope's instruction set for `input`.
inline const MicroKernel& micro_kernel(GemmInput input) {
  if (input == GemmInput::f32) return micro_kernel(current_isa());
  if (input == GemmInput::bf16_split) return detail::amx_split_kernel;
  return current_isa() >= Isa::amx ? detail::amx_bf16_kernel : detail::bf16_kernel;
}

/// C (+)= A * B, then the epilogue.
struct Gemm {
  StridedOperand a;
  OperandB b;
  MatrixView<float> c;
  bool accumulate = false;
  Epilogue<float> epilogue = {};
  bool a_holds_pairs = false;  ///< as round_row_to_pairs makes them; the input must be bf16
};

namespace detail {

/// Rows of a cell that packs its panels itself: so many that packing costs little beside them.
inline constexpr Index rows_per_packing = 1024;

/// `cols` columns of `rows` rows, from one matrix to another.
inline void copy_block(const float* from, Index from_stride, Index rows, Index cols, float* to,
                       Index to_stride) {
  for (Index r = 0; r < rows; ++r) std::copy_n(from + r * from_stride, cols, to + r * to_stride);
}

/// Fetches a tile of C and of its residual.
inline void prefetch_for(const Epilogue<float>& epilogue, const MatrixView<float>& c) {
  constexpr Index line = 64 / sizeof(float);  // of the cache
  for (Index r = 0; r < c.rows; ++r) {
    for (Index j = 0; j < c.cols; j += line) {
      __builtin_prefetch(c.row(r) + j, 1);
      if (epilogue.residual) __builtin_prefetch(epilogue.residual + r * c.stride + j);
    }
  }
}

/// One cell: some rows of C times some panels of B.
class ProductCell {
 public:
  /// From a high part of A to its low part there are `a_low_part` pairs.
  ProductCell(const Gemm& product, Index a_low_part, const MicroKernel& kernel, PanelsOfB& panels,
              Index first_panel, Index panel_total)
      : product_(product),
        a_low_part_(a_low_part),
        kernel_(kernel),
        panels_(panels),
        first_panel_(first_panel),
        panel_total_(panel_total),
        kc_(even_kc(panels.steps(), kernel.max_kc)) {
    // Rows that share cache sets are copied a block at a time, unless PackedA has copied them all.
    if (product.a.k_stride != 1 || !shares_cache_sets(product.a.outer_stride)) return;
    block_stride_ = kc_ + cache_set_gap;
    block_ = Buffer<float>(static_cast<std::size_t>(kernel.mc * block_stride_));
  }

  void run(Index row, Index rows) {
    const EvenPartition blocks(rows, kernel_.mc, kernel_.row_unit);
    Configuration configuration(kernel_);
    for (Index k = 0; k < panels_.steps(); k += kc_) {
      const Index steps = std::min(kc_, panels_.steps() - k);
      panels_.prepare(k, steps);
      for (Index i = 0; i < blocks.count; ++i) {
        const Index first = row + blocks.begin(i);
        configuration.set_rows(blocks.size(i));
        const StridedOperand a = block_of_a(first, blocks.size(i), k, steps);
        for (Index p = 0; p < panel_total_; ++p) {
          multiply_panel(a, p, k, steps, first, blocks.size(i));
        }
      }
    }
  }

 private:
  /// `rows` rows of A from `row` on and `steps` steps from k on, as the tiles read them.
  StridedOperand block_of_a(Index row, Index rows, Index k, Index steps) {
    const StridedOperand in_place = product_.a.from(row, k);
    if (block_stride_ == 0) return in_place;
    copy_block(in_place.data, in_place.outer_stride, rows, steps, block_.data(), block_stride_);
    return {block_.data(), block_stride_, 1};
  }

  /// `rows` rows of C from `row` on: those of A, times panel p, for `steps` steps from k on.
  void multiply_panel(const StridedOperand& a, Index p, Index k, Index steps, Index row,
                      Index rows) {
    const EvenPartition tiles(rows, kernel_.mr);
    const Index col = (first_panel_ + p) * panel_cols - product_.b.skipped_cols;
    const bool last = k + steps == panels_.steps();
    const Epilogue<float> epilogue = last ? product_.epilogue : Epilogue<float>{};
    TileProduct tile{};
    tile.a_row_stride = a.outer_stride;
    tile.a_k_stride = a.k_stride;
    tile.a_low_part = a_low_part_;
    tile.b_k_stride = panels_.k_stride();
    tile.steps = steps;
    tile.accumulate = product_.accumulate || k > 0;
    for (Index t = 0; t < tiles.count; ++t) {
      tile.rows = tiles.size(t);
      tile.a = a.at(tiles.begin(t), 0);
      tile.prefetch = panels_.upcoming(p, t);
      multiply_tiles(tile, panels_.panel(p), row + tiles.begin(t), col, epilogue);
    }
  }

  /// The rows of `tile` times one panel, whose columns are those of C from `col` on: one tile, or
  /// several where the vectors are narrower than a panel. Columns [begin, end) of the panel exist.
  void multiply_tiles(TileProduct& tile, const float* panel, Index row, Index col,
                      const Epilogue<float>& epilogue) const {
    const Index begin = std::max<Index>(0, -col);
    const Index end = std::min(panel_cols, product_.c.cols - col);
    const MatrixView<float> c = product_.c.block(row, col + begin, tile.rows, end - begin);
    if (c.cols == panel_cols && epilogue.empty()) {
      tile.c = c.data;
      tile.c_stride = c.stride;
      run_kernel(tile, panel, begin, end);
    } else {
      multiply_aside(tile, panel, begin, end, c, epilogue.block(row, col + begin, c.stride));
    }
  }

  /// Columns [begin, end) of the panel in a buffer, for tiles that stick out of C or have an
  /// epilogue: rows of C may share cache sets, and not all that a tile has written there is in the
  /// first-level cache any more when its epilogue comes. 3 % of an MAE forward pass of eight
  /// images.
  void multiply_aside(TileProduct& tile, const float* panel, Index begin, Index end,
                      const MatrixView<float>& c, const Epilogue<float>& epilogue) const {
    alignas(64) std::array<float, max_tile_rows * panel_cols> sums;
    prefetch_for(epilogue, c);
    if (tile.accumulate) {
      if (c.cols < panel_cols) sums.fill(0.0F);
      copy_block(c.data, c.stride, c.rows, c.cols, sums.data() + begin, panel_cols);
    }
    tile.c = sums.data();
    tile.c_stride = panel_cols;
    run_kernel(tile, panel, begin, end);
    apply<float>(epilogue, {sums.data() + begin, c.rows, c.cols, panel_cols}, c);
  }

  /// The micro-kernel on each nr columns of the panel that hold some of [begin, end).
  void run_kernel(TileProduct& tile, const float* panel, Index begin, Index end) const {
    float* const c = tile.c;
    for (Index j = begin / kernel_.nr * kernel_.nr; j < end; j += kernel_.nr) {
      tile.b = panel + j;
      tile.c = c + j;
      kernel_.multiply(&tile);
    }
  }

  const Gemm& product_;
  Index a_low_part_;
  const MicroKernel& kernel_;
  PanelsOfB& panels_;
  Index first_panel_;
  Index panel_total_;
  Index kc_;
  Index block_stride_ = 0;
  Buffer<float> block_;
};

/// The product over an empty k: zero, or c itself, then the epilogue.
inline void multiply_nothing(const Gemm& product) {
  const MatrixView<float>& c = product.c;
  for (Index r = 0; r < c.rows && !product.accumulate; ++r) std::fill_n(c.row(r), c.cols, 0.0F);
  if (!product.epilogue.empty()) apply<float>(product.epilogue, c, c);
}

}  // namespace detail

/// Computes a product on the kernels of the scope's instruction set, in its precision; b in panels
/// has the precision it was packed in.
inline void multiply(Gemm product) {
  if (product.c.rows == 0 || product.c.cols == 0) return;
  if (product.b.depth == 0) return detail::multiply_nothing(product);
  const GemmInput input = gemm_input(product.b);
  const MicroKernel& kernel = micro_kernel(input);
  Buffer<float> packed_b;
  if (worth_packing_whole(product.b, product.c.rows)) {
    product.b = pack_whole(product.b, input, packed_b);
  }
  const PackedA packed_a(product.a, product.c.rows, product.b.depth, input, product.a_holds_pairs);
  product.a = packed_a.operand();
  const Index kc = even_kc(step_count(product.b.depth, input), kernel.max_kc);
  const EvenPartition cells_down(
      product.c.rows, product.b.in_panels() ? kernel.cell_rows : detail::rows_per_packing,
      kernel.row_unit);
  const Index panels = panel_count(product.b.skipped_cols + product.c.cols);
  // Wide cells read A less often; sixteen of them are enough for a few threads.
  const Index wide = std::clamp<Index>(panels * cells_down.count / 16, 1, kernel.cell_panels);
  const EvenPartition cells_across(panels, wide);
  parallel_for(cells_across.count * cells_down.count, [&](Index cell) {
    const Index first_panel = cells_across.begin(cell % cells_across.count);
    const Index panel_total = cells_across.size(cell % cells_across.count);
    const Index down = cell / cells_across.count;
    PanelsOfB cell_panels(product.b, input, first_panel, panel_total, cells_down.size(down), kc);
    detail::ProductCell(product, packed_a.low_part(), kernel, cell_panels, first_panel, panel_total)
        .run(cells_down.begin(down), cells_down.size(down));
  });
}

#endif

}  // namespace tessera::kernels
