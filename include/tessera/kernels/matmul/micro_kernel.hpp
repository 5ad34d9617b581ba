#pragma once

#include <algorithm>
#include <array>

#include "tessera/kernels/simd/dispatch.hpp"

namespace tessera::kernels {

/// Memory that is wanted soon: `run` cache lines `step` apart, then a jump, then the next run.
struct Prefetch {
  const float* at;
  Index step;
  Index run;
  Index jump;
};

/// A few rows of a times a few columns of b, as the innermost loop of a product sees them:
/// c(r, j) (+)= sum over k of a[r * a_row + k * a_step] * b[k * b_step + j]. Kernels on AMX read
/// whole blocks of 16 words instead: a_step is 1, b is one panel, and nothing is prefetched.
struct TileProduct {
  const float* a;
  Index a_row;
  Index a_step;
  Index a_rest = 0;  ///< from a word to what its rounding left over; for InputForm::split
  const float* b;
  Index b_step;
  float* c;
  Index c_row;
  Index rows;
  Index depth;
  bool accumulate;
  Prefetch next;  ///< one cache line per step of k
};

/// Columns of one panel of b: two AVX-512 vectors. Narrower vectors take a panel in pieces.
inline constexpr Index panel_cols = 32;

/// Where a tile reads a: three rows share a pointer, for [p], [p + a_row] and [p + 2 a_row] are
/// what an address can say.
template <int rows>
struct RowPointers {
  static constexpr int groups = (rows + 2) / 3;

  [[gnu::always_inline]] explicit RowPointers(const TileProduct* tile) : a_row(tile->a_row) {
#pragma GCC unroll 16
    for (int g = 0; g < groups; ++g) group[g] = tile->a + 3 * g * a_row;
  }
  [[gnu::always_inline]] const float* row(int r) const { return group[r / 3] + r % 3 * a_row; }
  [[gnu::always_inline]] void advance(Index step) {
#pragma GCC unroll 16
    for (int g = 0; g < groups; ++g) group[g] += step;
  }

  const float* group[groups];
  Index a_row;
};

/// The `rows` x 2 vectors of c that stay in registers while k runs.
template <class Vector, int rows>
struct TileSums {
  [[gnu::always_inline]] explicit TileSums(const TileProduct* tile) {
#pragma GCC unroll 16
    for (int r = 0; r < rows; ++r) {
      value[r][0] = value[r][1] = Vector{};
      __builtin_prefetch(tile->c + r * tile->c_row, 1);
      __builtin_prefetch(tile->c + r * tile->c_row + lanes<Vector>, 1);
    }
  }

  [[gnu::always_inline]] void finish(const TileProduct* tile) {
#pragma GCC unroll 16
    for (int r = 0; r < rows; ++r) {
#pragma GCC unroll 2
      for (int half = 0; half < 2; ++half) {
        float* out = tile->c + r * tile->c_row + half * lanes<Vector>;
        if (tile->accumulate) {
          Vector former;
          load(former, out);
          value[r][half] += former;
        }
        store(value[r][half], out);
      }
    }
  }

  Vector value[rows][2];
};

/// Per step of k: two loads from b, and for each row one broadcast from a and two fused
/// multiply-adds. Every element of c is one chain of them in the order of k, so its bits depend
/// neither on the tile's place nor on its size.
template <int rows>
struct MultiplyTile {
  template <class Vector>
  [[gnu::always_inline]] static void run(const TileProduct* tile) {
    RowPointers<rows> a(tile);
    TileSums<Vector, rows> sum(tile);
    const Index a_step = tile->a_step;
    const Index b_step = tile->b_step;
    const Index next_step = tile->next.step;
    const float* b = tile->b;
    const float* next = tile->next.at;
    for (Index k = tile->depth; k > 0; next += tile->next.jump) {
      const Index stop = std::max<Index>(0, k - tile->next.run);
      for (; k > stop; --k) {
        Vector left, right;
        load(left, b);
        load(right, b + lanes<Vector>);
        __builtin_prefetch(next, 0, 2);
#pragma GCC unroll 16
        for (int r = 0; r < rows; ++r) {
          const float factor = *a.row(r);
          sum.value[r][0] += factor * left;
          sum.value[r][1] += factor * right;
        }
        a.advance(a_step);
        b += b_step;
        next += next_step;
      }
    }
    sum.finish(tile);
  }
};

using TileFunction = void (*)(const TileProduct*);

/// The tiles of one instruction set.
struct MicroKernel {
  Index max_rows;     ///< that a tile has at most
  Index cols;         ///< that every tile has
  Index block_rows;   ///< that meet all panels of a cell before other rows do
  Index row_unit;     ///< blocks of rows begin at multiples of it
  Index block_depth;  ///< steps of a panel that stay in cache meanwhile, at most
  Index cell_rows;    ///< what a cell of the parallel loop has at most
  Index cell_panels;  ///< the same
  TileFunction multiply;
  void (*begin)(Index rows) = nullptr;  ///< before tiles of so many rows
  void (*end)() = nullptr;              ///< after the last tile of all
};

#if defined(__x86_64__)

namespace detail {

/// A tile function and its number of rows.
struct SizedTile {
  Index rows;
  TileFunction multiply;
};

/// Rows of any number, put together from tiles of a few heights, the highest first: each height
/// costs every program that includes this its share of compile time.
template <const auto& tiles>
void multiply_rows(const TileProduct* product) {
  const auto fits = [](Index rows) {
    return std::find_if(tiles.begin(), tiles.end(),
                        [=](const SizedTile& tile) { return tile.rows <= rows; });
  };
  const auto whole = fits(product->rows);
  if (whole->rows == product->rows) return whole->multiply(product);
  for (TileProduct rest = *product; rest.rows > 0;) {
    const auto tile = fits(rest.rows);
    tile->multiply(&rest);
    rest.rows -= tile->rows;
    rest.a += tile->rows * rest.a_row;
    rest.c += tile->rows * rest.c_row;
  }
}

template <int... heights>
constexpr auto avx512_tiles() {
  return std::array{SizedTile{heights, &run_avx512<MultiplyTile<heights>, const TileProduct*>}...};
}
template <int... heights>
constexpr auto avx2_tiles() {
  return std::array{SizedTile{heights, &run_avx2<MultiplyTile<heights>, const TileProduct*>}...};
}
template <int... heights>
constexpr auto baseline_tiles() {
  return std::array{
      SizedTile{heights, &run_baseline<MultiplyTile<heights>, const TileProduct*>}...};
}

// The highest have as many accumulators as leave registers for two vectors of b and one factor:
// 14 x 2 of 32 AVX-512 registers, 6 x 2 of 16 AVX2 or SSE registers. Even pieces of many rows have
// the first heights of these lists.
inline constexpr auto avx512_heights = avx512_tiles<14, 13, 12, 11, 8, 4, 2, 1>();
inline constexpr auto avx2_heights = avx2_tiles<6, 5, 4, 2, 1>();
inline constexpr auto baseline_heights = baseline_tiles<6, 5, 4, 2, 1>();

/// What all kernels on vectors have in common. 112 rows of a block of a stay in the second-level
/// cache while the panels of a cell pass, and 512 steps of a panel are its share of it.
constexpr MicroKernel vector_kernel(Index max_rows, Index cols, TileFunction multiply) {
  return {.max_rows = max_rows,
          .cols = cols,
          .block_rows = 112,
          .row_unit = 1,
          .block_depth = 512,
          .cell_rows = 128,
          .cell_panels = 16,
          .multiply = multiply};
}

inline constexpr MicroKernel avx512_kernel = vector_kernel(14, 32, multiply_rows<avx512_heights>);
inline constexpr MicroKernel avx2_kernel = vector_kernel(6, 16, multiply_rows<avx2_heights>);
inline constexpr MicroKernel baseline_kernel = vector_kernel(6, 8, multiply_rows<baseline_heights>);

}  // namespace detail

/// The float32 tiles of an instruction set.
inline const MicroKernel& micro_kernel(Isa isa) {
  if (isa == Isa::baseline) return detail::baseline_kernel;
  return isa == Isa::avx2 ? detail::avx2_kernel : detail::avx512_kernel;
}

#endif

}  // namespace tessera::kernels
