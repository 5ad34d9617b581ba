#pragma once

#include <algorithm>

#include "tessera/core/threads/parallel.hpp"
#include "tessera/kernels/matmul/pack_panel.hpp"

namespace tessera::kernels {

/// How the right-hand side of a product lies in memory.
enum class RightLayout {
  depth_by_cols,  ///< [K, N]
  cols_by_depth,  ///< [N, K], used transposed
  panels,         ///< of panels.hpp, all of K in each panel
  pair_panels,    ///< the same of words, InputForm::pairs
  split_panels,   ///< the same of words, InputForm::split
};

/// The right-hand side b of a product.
struct RightOperand {
  const float* data;
  Index depth;   ///< K
  Index cols;    ///< N
  Index stride;  ///< between two rows; of no meaning for panels
  RightLayout layout;
  Index skip = 0;  ///< columns of the first panel that are not among the N; 0 unless panels

  bool in_panels() const { return layout >= RightLayout::panels; }

  /// What panels hold.
  InputForm panel_form() const {
    if (layout == RightLayout::pair_panels) return InputForm::pairs;
    return layout == RightLayout::split_panels ? InputForm::split : InputForm::floats;
  }

  /// Column `col` and those after it, from k on; of [K, N] or [N, K].
  Lanes lanes(Index col, Index k) const {
    const Lanes all =
        layout == RightLayout::cols_by_depth ? Lanes{data, stride, 1} : Lanes{data, 1, stride};
    return {all.at(col, k), all.row, all.step};
  }
};

/// The layout of panels that hold `form`.
inline RightLayout panel_layout(InputForm form) {
  if (form == InputForm::floats) return RightLayout::panels;
  return form == InputForm::pairs ? RightLayout::pair_panels : RightLayout::split_panels;
}

/// Steps that the micro-kernel makes over `depth` values of k.
inline Index step_count(Index depth, InputForm form) {
  return form == InputForm::floats ? depth : pair_count(depth);
}

/// Rows that lie a multiple of 4 KiB apart share a few sets of every cache: a column of them does
/// not stay in any.
inline bool shares_cache_sets(Index stride) {
  constexpr Index distance = 4096 / sizeof(float);
  return stride % distance == 0;
}

#if defined(__x86_64__)

/// Packs steps [at, at + depth) of one panel of b: in `form` if b is [K, N] or [N, K]; as floats if
/// it lies in panels, of words then.
inline void pack_steps(const RightOperand& b, InputForm form, Index panel, Index at, Index depth,
                       float* to) {
  const Index col = panel * panel_cols;
  const Index cols = std::min(panel_cols, b.cols - col);
  if (b.in_panels()) {
    const InputForm held = b.panel_form();
    const Index size = step_count(b.depth, held) * step_words(held);
    unpack_words(b.data + panel * size, held, at, depth, to);
  } else if (form != InputForm::floats) {
    pack_words(b.lanes(col, 2 * at), std::min(2 * depth, b.depth - 2 * at), cols, form, to);
  } else if (b.layout == RightLayout::cols_by_depth) {
    pack_panel_transposed(b.data + col * b.stride + at, b.stride, depth, cols, to);
  } else {
    pack_panel(b.data + at * b.stride + col, b.stride, depth, cols, to);
  }
}

/// From so many rows of c on, copying [K, N] costs less than reading it far apart in memory.
inline constexpr Index rows_worth_packing = 64;

/// Whether cells should not pack their share of b themselves: in a strip of a few panels every row
/// of [K, N] lies on a page of its own. A large b would not stay in cache.
inline bool worth_packing_whole(const RightOperand& b, Index rows) {
  constexpr Index panels = 8;
  constexpr Index elements = Index{1} << 23;
  return b.layout == RightLayout::depth_by_cols && b.cols > (panels - 1) * panel_cols &&
         b.depth * b.cols <= elements && rows >= rows_worth_packing;
}

/// b [K, N] or [N, K] in panels that lie in `memory`.
inline RightOperand pack_whole(const RightOperand& b, InputForm form, Buffer<float>& memory) {
  const Index steps = step_count(b.depth, form);
  const Index panels = panel_count(b.cols);
  const Index size = steps * step_words(form);
  memory = Buffer<float>(static_cast<std::size_t>(panels * size));
  const auto pack = [&](Index panel, Index begin, Index end) {
    pack_steps(b, form, panel, begin, end - begin,
               memory.data() + panel * size + begin * step_words(form));
  };
  if (b.layout == RightLayout::cols_by_depth) {
    parallel_for(panels, [&](Index panel) { pack(panel, 0, steps); });
  } else {
    parallel_ranges(steps, block_words, [&](Index begin, Index end) {
      for (Index panel = 0; panel < panels; ++panel) pack(panel, begin, end);
    });
  }
  return {memory.data(), b.depth, b.cols, 0, panel_layout(form)};
}

/// Some panels of b for one block of k after the other: read where they lie if that is as good,
/// packed otherwise. A step of the micro-kernel is one k, or of words two of them.
class RightPanels {
 public:
  /// `rows` is how many rows of c the panels will meet, `block` how many steps prepare() is given
  /// at most.
  RightPanels(const RightOperand& b, InputForm form, Index first, Index count, Index rows,
              Index block)
      : b_(b), form_(form), first_(first), count_(count) {
    const bool strided = b.layout == RightLayout::depth_by_cols && form == InputForm::floats &&
                         rows < rows_worth_packing && (first + count) * panel_cols <= b.cols &&
                         !shares_cache_sets(b.stride);
    in_place_ = strided || (b.in_panels() && b.panel_form() == form);
    step_ = strided ? b.stride : step_words(form);
    if (in_place_) return;
    packed_ = Buffer<float>(static_cast<std::size_t>(count * step_ * block));
  }

  /// Steps of all of K.
  Index steps() const { return step_count(b_.depth, form_); }

  /// Floats, or words, that a panel holds per step; those of a split panel lie in blocks of 16
  /// steps.
  Index step() const { return step_; }

  /// Makes `depth` steps from `at` on the ones that panel() gives.
  void prepare(Index at, Index depth) {
    at_ = at;
    depth_ = depth;
    if (in_place_) return;
    // Rows of [K, N] are read in the width of all panels: each may lie on a page of its own.
    const Index most = b_.layout == RightLayout::depth_by_cols ? block_words : depth;
    for (Index k = 0; k < depth; k += most) {
      for (Index p = 0; p < count_; ++p) {
        pack_steps(b_, form_, first_ + p, at + k, std::min(most, depth - k),
                   packed_.data() + (p * depth + k) * step_);
      }
    }
  }

  const float* panel(Index p) const {
    return in_place_ ? in_place(p, at_) : packed_.data() + p * step_ * depth_;
  }

  /// What tile number `tile` over panel p fetches meanwhile, one cache line per step: what the
  /// panel after it is read or packed from.
  Prefetch next(Index p, Index tile) const {
    const bool more = at_ + depth_ < steps();
    if (!in_place_) {
      return more ? rows(p, at_ + depth_, tile) : rows(count_ + p, 0, tile);
    }
    const float* from = p + 1 < count_ ? in_place(p + 1, at_)
                        : more         ? in_place(0, at_ + depth_)
                                       : in_place(count_, 0);
    // The first two tiles share the two cache lines that every step has.
    if (tile >= 2) return nothing(p);
    if (!b_.in_panels()) return {from + tile * line, step_, depth_, 0};
    return {from + tile * line * depth_, line, depth_, 0};
  }

 private:
  /// Where panel p from step `at` on lies, if it is read in place.
  const float* in_place(Index p, Index at) const {
    if (b_.in_panels()) return b_.data + ((first_ + p) * steps() + at) * step_;
    return b_.data + at * b_.stride + (first_ + p) * panel_cols;
  }

  Prefetch nothing(Index p) const { return {panel(p), 0, depth_, 0}; }

  /// The tile's share of the rows of [N, K] that panel p from step `at` on will be packed from.
  Prefetch rows(Index p, Index at, Index tile) const {
    const Index values = form_ == InputForm::floats ? 1 : 2;
    const Index lines = (values * depth_ + line - 1) / line;
    const Index share = std::max<Index>(1, depth_ / lines);  // rows that a tile's steps suffice for
    const Index row = (first_ + p) * panel_cols + tile * share;
    const bool useful =
        b_.layout == RightLayout::cols_by_depth && tile * share < panel_cols && row < b_.cols;
    if (!useful) return nothing(p % count_);
    return {b_.data + row * b_.stride + values * at, line, lines, b_.stride - lines * line};
  }

  static constexpr Index line = 64 / sizeof(float);

  RightOperand b_;
  InputForm form_;
  Index first_;
  Index count_;
  bool in_place_ = false;
  Index step_ = panel_cols;
  Index at_ = 0;
  Index depth_ = 0;
  Buffer<float> packed_;
};

#endif

}  // namespace tessera::kernels
