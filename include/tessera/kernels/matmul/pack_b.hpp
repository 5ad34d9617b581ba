#pragma once

#include <algorithm>

#include "tessera/core/memory.hpp"
#include "tessera/core/threads/parallel.hpp"
#include "tessera/kernels/matmul/pack_panel.hpp"
#include "tessera/kernels/matrix_view.hpp"

namespace tessera::kernels {

/// The orders in which B may lie in memory.
enum class BLayout {
  k_by_n,                ///< [K, N]
  n_by_k,                ///< [N, K], used transposed
  panels_of_f32,         ///< whole panels one after the other, all of K in each
  panels_of_bf16,        ///< the same of pairs, for GemmInput::bf16
  panels_of_bf16_split,  ///< the same of pairs, for GemmInput::bf16_split
};

/// B of a product.
struct OperandB {
  const float* data;
  Index depth;   ///< K
  Index cols;    ///< N
  Index stride;  ///< between two rows of [K, N] or [N, K]; of no meaning for panels
  BLayout layout;
  Index skipped_cols = 0;  ///< of the first panel, which are not among the N; 0 unless in panels

  bool in_panels() const { return layout != BLayout::k_by_n && layout != BLayout::n_by_k; }

  /// The form of the values in its panels; f32 for other layouts.
  GemmInput panel_input() const {
    if (layout == BLayout::panels_of_bf16) return GemmInput::bf16;
    return layout == BLayout::panels_of_bf16_split ? GemmInput::bf16_split : GemmInput::f32;
  }

  /// Column `col` and those after it, from k on; not of panels.
  StridedOperand columns_from(Index col, Index k) const {
    const StridedOperand all = layout == BLayout::n_by_k ? StridedOperand{data, stride, 1}
                                                         : StridedOperand{data, 1, stride};
    return all.from(col, k);
  }
};

/// The layout of panels that hold `input`.
inline BLayout panel_layout(GemmInput input) {
  if (input == GemmInput::f32) return BLayout::panels_of_f32;
  return input == GemmInput::bf16 ? BLayout::panels_of_bf16 : BLayout::panels_of_bf16_split;
}

#if defined(__x86_64__)

/// Packs steps [first, first + steps) of one panel of B: as `input` from [K, N] or [N, K]; as
/// floats from panels, of pairs then.
inline void pack_panel_steps(const OperandB& b, GemmInput input, Index panel, Index first,
                             Index steps, float* to) {
  const Index col = panel * panel_cols;
  const Index cols = std::min(panel_cols, b.cols - col);
  if (b.in_panels()) {
    const GemmInput held = b.panel_input();
    const Index size = step_count(b.depth, held) * panel_step(held);
    unpack_panel_of_pairs(b.data + panel * size, held, first, steps, to);
  } else if (input != GemmInput::f32) {
    pack_panel_of_pairs(b.columns_from(col, 2 * first), std::min(2 * steps, b.depth - 2 * first),
                        cols, input, to);
  } else if (b.layout == BLayout::n_by_k) {
    pack_panel_transposed(b.data + col * b.stride + first, b.stride, steps, cols, to);
  } else {
    pack_panel(b.data + first * b.stride + col, b.stride, steps, cols, to);
  }
}

/// From so many rows of C on, packing [K, N] costs less than reading it far apart in memory. Found
/// by halving and doubling on x W of benchmarks/python/compare_matmul.py.
inline constexpr Index rows_worth_packing = 64;

/// True if all of B is packed at once instead of by each cell: in a few panels every row of [K, N]
/// lies on a page of its own. A large B would not stay in cache. A training step of MAE ViT-B/16
/// takes 3 to 4 % less by it.
inline bool worth_packing_whole(const OperandB& b, Index rows) {
  constexpr Index least_panels = 8;
  constexpr Index most_elements = Index{1} << 23;
  return b.layout == BLayout::k_by_n && panel_count(b.cols) >= least_panels &&
         b.depth * b.cols <= most_elements && rows >= rows_worth_packing;
}

/// B [K, N] or [N, K] in panels that lie in `memory`.
inline OperandB pack_whole(const OperandB& b, GemmInput input, Buffer<float>& memory) {
  const Index steps = step_count(b.depth, input);
  const Index panels = panel_count(b.cols);
  const Index step = panel_step(input);
  memory = Buffer<float>(static_cast<std::size_t>(panels * steps * step));
  const auto pack = [&](Index panel, Index begin, Index end) {
    pack_panel_steps(b, input, panel, begin, end - begin,
                     memory.data() + (panel * steps + begin) * step);
  };
  if (b.layout == BLayout::n_by_k) {
    parallel_for(panels, [&](Index panel) { pack(panel, 0, steps); });
  } else {  // rows of [K, N] are read in their whole width
    parallel_ranges(steps, pair_block, [&](Index begin, Index end) {
      for (Index panel = 0; panel < panels; ++panel) pack(panel, begin, end);
    });
  }
  return {memory.data(), b.depth, b.cols, 0, panel_layout(input)};
}

/// Some panels of B, kc steps of k after the other: read where they lie if that is as good, packed
/// otherwise.
class PanelsOfB {
 public:
  /// Panels [first, first + count). They will meet `rows` rows of C, and prepare() is given at most
  /// `kc` steps.
  PanelsOfB(const OperandB& b, GemmInput input, Index first, Index count, Index rows, Index kc)
      : b_(b), input_(input), first_(first), count_(count) {
    const bool strided = b.layout == BLayout::k_by_n && input == GemmInput::f32 &&
                         rows < rows_worth_packing && (first + count) * panel_cols <= b.cols &&
                         !shares_cache_sets(b.stride);
    in_place_ = strided || (b.in_panels() && b.panel_input() == input);
    k_stride_ = strided ? b.stride : panel_step(input);
    if (in_place_) return;
    packed_ = Buffer<float>(static_cast<std::size_t>(count * k_stride_ * kc));
  }

  /// Steps of all of K.
  Index steps() const { return step_count(b_.depth, input_); }

  /// From one step of a panel to the next, in floats or pairs; those of a split panel lie in blocks
  /// of 16 steps.
  Index k_stride() const { return k_stride_; }

  /// Makes `kc` steps from `begin` on the ones that panel() gives.
  void prepare(Index begin, Index kc) {
    begin_ = begin;
    kc_ = kc;
    if (in_place_) return;
    // Rows of [K, N] are read in the width of all panels: each may lie on a page of its own.
    const Index most = b_.layout == BLayout::k_by_n ? pair_block : kc;
    for (Index k = 0; k < kc; k += most) {
      for (Index p = 0; p < count_; ++p) {
        pack_panel_steps(b_, input_, first_ + p, begin + k, std::min(most, kc - k),
                         packed_.data() + (p * kc + k) * k_stride_);
      }
    }
  }

  const float* panel(Index p) const {
    return in_place_ ? in_place(p, begin_) : packed_.data() + p * k_stride_ * kc_;
  }

  /// The memory that tile number `tile` over panel p fetches meanwhile: what the panel after p is
  /// read or packed from.
  PrefetchPath upcoming(Index p, Index tile) const {
    return in_place_ ? upcoming_in_place(p, tile) : upcoming_rows(p, tile);
  }

 private:
  /// The place of panel p from step `begin` on, if it is read in place.
  const float* in_place(Index p, Index begin) const {
    if (b_.in_panels()) return b_.data + ((first_ + p) * steps() + begin) * k_stride_;
    return b_.data + begin * b_.stride + (first_ + p) * panel_cols;
  }

  bool more_steps() const { return begin_ + kc_ < steps(); }

  /// A path for tiles that have nothing to fetch: it stays where the cache is.
  PrefetchPath nothing(Index p) const { return {panel(p), 0, kc_, 0}; }

  /// After a panel comes its right neighbor, after the last one the first with the next steps of k,
  /// after all of them the first panel of the next cell.
  const float* next_in_place(Index p) const {
    if (p + 1 < count_) return in_place(p + 1, begin_);
    if (more_steps()) return in_place(0, begin_ + kc_);
    return in_place(count_, 0);
  }

  PrefetchPath upcoming_in_place(Index p, Index tile) const {
    constexpr Index lines_per_step = panel_cols / line;
    if (tile >= lines_per_step) return nothing(p);  // the first tiles fetch all of it
    const float* next = next_in_place(p);
    if (!b_.in_panels()) return {next + tile * line, k_stride_, kc_, 0};
    return {next + tile * line * kc_, line, kc_, 0};
  }

  /// The tile's share of the rows of [N, K] that panel p will be packed from when it comes again.
  PrefetchPath upcoming_rows(Index p, Index tile) const {
    if (b_.layout != BLayout::n_by_k) return nothing(p);
    const Index next_panel = more_steps() ? p : count_ + p;  // of this cell, or of the next one
    const Index next_step = more_steps() ? begin_ + kc_ : 0;
    const Index values = input_ == GemmInput::f32 ? 1 : 2;  // in a step
    const Index lines_per_row = (values * kc_ + line - 1) / line;
    const Index rows_per_tile = std::max<Index>(1, kc_ / lines_per_row);
    const Index row_in_panel = tile * rows_per_tile;
    const Index row = (first_ + next_panel) * panel_cols + row_in_panel;
    if (row_in_panel >= panel_cols || row >= b_.cols) return nothing(p);
    return {b_.data + row * b_.stride + values * next_step, line, lines_per_row,
            b_.stride - lines_per_row * line};
  }

  static constexpr Index line = 64 / sizeof(float);  // of the cache

  OperandB b_;
  GemmInput input_;
  Index first_;
  Index count_;
  bool in_place_ = false;
  Index k_stride_ = panel_cols;
  Index begin_ = 0;
  Index kc_ = 0;
  Buffer<float> packed_;
};

#endif

}  // namespace tessera::kernels
