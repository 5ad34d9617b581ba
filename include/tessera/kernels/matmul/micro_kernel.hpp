#pragma once

#include <algorithm>
#include <array>

#include "tessera/kernels/simd/dispatch.hpp"

// The micro-kernel of products: C (+)= A * B for one tile of C, mr x nr elements that stay in
// registers while k runs.

namespace tessera::kernels {

/// Columns of a panel of B: two AVX-512 vectors. Narrower vectors take a panel in several tiles.
inline constexpr Index panel_cols = 32;

/// Rows that a tile of any instruction set has at most.
inline constexpr Index max_tile_rows = 32;

/// Memory that is wanted soon, one cache line for each step of k: `lines_per_row` of them
/// `line_stride` apart, then, `row_jump` further on, those of the next row.
struct PrefetchPath {
  const float* start;
  Index line_stride;
  Index lines_per_row;
  Index row_jump;
};

/// The arguments of a micro-kernel. A is read at a[r * a_row_stride + k * a_k_stride], a panel of B
/// at b[k * b_k_stride + j]. Kernels on AMX read whole blocks of pairs instead: a_k_stride is 1, b
/// is one panel, and nothing is prefetched.
struct TileProduct {
  const float* a;
  Index a_row_stride;
  Index a_k_stride;
  Index a_low_part = 0;  ///< from a high part to its low part; for GemmInput::bf16_split
  const float* b;
  Index b_k_stride;
  float* c;
  Index c_stride;
  Index rows;
  Index steps;  ///< of k: values, or pairs of them
  bool accumulate;
  PrefetchPath prefetch;
};

namespace detail {

/// The addresses at which a tile reads A: three rows share a pointer, for [p], [p + stride] and [p
/// + 2 stride] are the addresses that an instruction can have.
template <int rows>
struct RowPointers {
  static constexpr int groups = (rows + 2) / 3;

  [[gnu::always_inline]] explicit RowPointers(const TileProduct* tile)
      : row_stride(tile->a_row_stride) {
#pragma GCC unroll 16
    for (int g = 0; g < groups; ++g) group[g] = tile->a + 3 * g * row_stride;
  }
  [[gnu::always_inline]] const float* row(int r) const { return group[r / 3] + r % 3 * row_stride; }
  [[gnu::always_inline]] void advance(Index step) {
#pragma GCC unroll 16
    for (int g = 0; g < groups; ++g) group[g] += step;
  }

  const float* group[static_cast<std::size_t>(groups)];
  Index row_stride;
};

/// The `rows` x 2 vectors of C that stay in registers.
template <class Vector, int rows>
struct TileSums {
  [[gnu::always_inline]] explicit TileSums(const TileProduct* tile) {
#pragma GCC unroll 16
    for (int r = 0; r < rows; ++r) {
      value[r][0] = value[r][1] = Vector{};
      __builtin_prefetch(tile->c + r * tile->c_stride, 1);
      __builtin_prefetch(tile->c + r * tile->c_stride + lanes<Vector>, 1);
    }
  }

  /// Overwrites the tile of C, or adds to it.
  [[gnu::always_inline]] void finish(const TileProduct* tile) {
#pragma GCC unroll 16
    for (int r = 0; r < rows; ++r) {
#pragma GCC unroll 2
      for (int v = 0; v < 2; ++v) {
        float* out = tile->c + r * tile->c_stride + v * lanes<Vector>;
        if (tile->accumulate) {
          Vector former;
          load(former, out);
          value[r][v] += former;
        }
        store(value[r][v], out);
      }
    }
  }

  Vector value[static_cast<std::size_t>(rows)][2];
};

/// The multiply-add of float32: sums += a * b.
struct MultiplyAdd {
  template <class Vector>
  [[gnu::always_inline]] static void run(const float* a, const Vector (&b)[2], Vector (&sums)[2]) {
    const float factor = *a;
    sums[0] += factor * b[0];
    sums[1] += factor * b[1];
  }
};

/// A tile of `rows` rows. Per step of k: two loads from B, and for each row one broadcast from A
/// and two multiply-adds. Every element of C is one chain of them in the order of k, so its bits
/// depend neither on the tile's place nor on its size.
template <class Arithmetic, int rows>
struct MultiplyTile {
  template <class Vector>
  [[gnu::always_inline]] static void run(const TileProduct* tile) {
    RowPointers<rows> a(tile);
    TileSums<Vector, rows> sums(tile);
    const Index a_k_stride = tile->a_k_stride;
    const Index b_k_stride = tile->b_k_stride;
    const Index line_stride = tile->prefetch.line_stride;
    const Index lines_per_row = std::max<Index>(1, tile->prefetch.lines_per_row);
    const float* b = tile->b;
    const float* line = tile->prefetch.start;
    for (Index steps = tile->steps; steps > 0; line += tile->prefetch.row_jump) {
      const Index after = std::max<Index>(0, steps - lines_per_row);
      for (; steps > after; --steps) {
        Vector b_values[2];
        load(b_values[0], b);
        load(b_values[1], b + lanes<Vector>);
        __builtin_prefetch(line, 0, 2);
#pragma GCC unroll 16
        for (int r = 0; r < rows; ++r) Arithmetic::run(a.row(r), b_values, sums.value[r]);
        a.advance(a_k_stride);
        b += b_k_stride;
        line += line_stride;
      }
    }
    sums.finish(tile);
  }
};

#if defined(__x86_64__)

/// The product in one tile, if that is `rows` rows high.
template <class Vector, class Arithmetic, int rows>
bool multiply_whole(const TileProduct* product) {
  if (product->rows != rows) return false;
  run_with<Vector, MultiplyTile<Arithmetic, rows>>(product);
  return true;
}

/// As many tiles of `rows` rows as `part` has room for; it then begins below them.
template <class Vector, class Arithmetic, int rows>
void multiply_tiles(TileProduct& part) {
  for (; part.rows >= rows; part.rows -= rows) {
    run_with<Vector, MultiplyTile<Arithmetic, rows>>(static_cast<const TileProduct*>(&part));
    part.a += rows * part.a_row_stride;
    part.c += rows * part.c_stride;
  }
}

/// Any number of rows, put together from tiles of a few heights, the highest first: each height
/// costs every program that includes this its share of compile time.
template <class Vector, class Arithmetic, int... heights>
void multiply_rows(const TileProduct* product) {
  constexpr std::array<int, sizeof...(heights)> list{heights...};
  static_assert(std::is_sorted(list.rbegin(), list.rend()) && list.back() == 1,
                "heights fall, and end in 1: otherwise some numbers of rows are never reached");
  if ((multiply_whole<Vector, Arithmetic, heights>(product) || ...)) return;
  TileProduct part = *product;
  (multiply_tiles<Vector, Arithmetic, heights>(part), ...);
}

#endif

}  // namespace detail

/// The micro-kernel of one instruction set and the sizes of the loops around it (docs/glossary.md).
struct MicroKernel {
  Index mr;           ///< rows that a tile has at most
  Index nr;           ///< columns that every tile has
  Index mc;           ///< rows of a block of A, which meet all panels of a cell before others do
  Index row_unit;     ///< blocks of A begin at multiples of it
  Index max_kc;       ///< steps of k of a block of A and of a panel of B, at most
  Index cell_rows;    ///< rows of C that a cell has at most
  Index cell_panels;  ///< panels of B that a cell has at most
  void (*multiply)(const TileProduct*);
  void (*configure)(Index rows) = nullptr;  ///< before tiles of so many rows; see Configuration
  void (*release)() = nullptr;              ///< after the last of them
};

/// The state that the processor must be in for a kernel's tiles, as long as this object lives. Only
/// AMX has any: it is told the shapes of its registers, which takes longer than a tile.
class Configuration {
 public:
  explicit Configuration(const MicroKernel& kernel) : kernel_(kernel) {}
  Configuration(const Configuration&) = delete;
  Configuration& operator=(const Configuration&) = delete;
  ~Configuration() {
    if (kernel_.release != nullptr) kernel_.release();
  }

  void set_rows(Index rows) {
    if (kernel_.configure == nullptr || rows == rows_) return;
    kernel_.configure(rows);
    rows_ = rows;
  }

 private:
  const MicroKernel& kernel_;
  Index rows_ = 0;
};

#if defined(__x86_64__)

namespace detail {

/// The sizes that all kernels on vectors share. 112 rows by 512 steps of A, 224 KiB, stay in the
/// second-level cache while the panels of a cell pass, and 512 steps of a panel, 64 KiB, are its
/// share of it. Found by trying blocks of 192 to 512 steps and cells of 2 to 16 panels by 128 to
/// 1024 rows on the ten shapes of benchmarks/python/compare_matmul.py;
/// benchmarks/results/history.md has the gains.
constexpr MicroKernel vector_kernel(Index mr, Index nr, void (*multiply)(const TileProduct*)) {
  return {.mr = mr,
          .nr = nr,
          .mc = 112,
          .row_unit = 1,
          .max_kc = 512,
          .cell_rows = 128,
          .cell_panels = 16,
          .multiply = multiply};
}

// The highest tiles have as many accumulators as leave registers for two vectors of B and one
// factor: 14 x 2 of 32 AVX-512 registers, 6 x 2 of 16 AVX2 or SSE registers. Even blocks of many
// rows have the first heights of these lists. Fourteen heights were not measurably faster than
// these eight, five were 2 % slower (benchmarks/cpp/model_compare.cpp, MAE ViT-B/16 forward).
inline constexpr MicroKernel avx512_kernel =
    vector_kernel(14, 32, multiply_rows<Float16, MultiplyAdd, 14, 13, 12, 11, 8, 4, 2, 1>);
inline constexpr MicroKernel avx2_kernel =
    vector_kernel(6, 16, multiply_rows<Float8, MultiplyAdd, 6, 5, 4, 2, 1>);
inline constexpr MicroKernel baseline_kernel =
    vector_kernel(6, 8, multiply_rows<Float4, MultiplyAdd, 6, 5, 4, 2, 1>);

}  // namespace detail

/// The float32 kernel of an instruction set.
inline const MicroKernel& micro_kernel(Isa isa) {
  if (isa == Isa::baseline) return detail::baseline_kernel;
  return isa == Isa::avx2 ? detail::avx2_kernel : detail::avx512_kernel;
}

#endif

}  // namespace tessera::kernels
