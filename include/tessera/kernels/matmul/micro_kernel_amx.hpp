#pragma once

#include <algorithm>
#include <cstdint>

#include "tessera/kernels/matmul/bf16_pairs.hpp"
#include "tessera/kernels/matmul/micro_kernel.hpp"

// Products on AMX: eight registers that hold tiles of 16 x 16 words, and one instruction that adds
// the product of two tiles of bfloat16 pairs to a tile of float32 (Intel, "Intrinsics for Intel
// Advanced Matrix Extensions"). Written in assembly: no compiler flag is needed then.

namespace tessera::kernels {

#if defined(__x86_64__)

namespace detail {

/// What the tile registers hold, as the processor is told it (palette 1).
struct alignas(64) TileShapes {
  std::uint8_t palette = 1;
  std::uint8_t start_row = 0;
  std::uint8_t reserved[14] = {};
  std::uint16_t row_bytes[16] = {};
  std::uint8_t rows[16] = {};

  void set(int tile, Index row_count) {
    row_bytes[tile] = row_count > 0 ? 64 : 0;
    rows[tile] = static_cast<std::uint8_t>(row_count);
  }
};

// A tile product of up to 32 x 32 elements uses the registers so:
//   0 1   sums of its upper 16 rows      4   rows of a, the upper 16
//   2 3   sums of its lower rows         5   the lower ones
//                                        6 7 columns of b, the left and right 16
inline void begin_amx_tiles(Index rows) {
  const Index upper = std::min<Index>(rows, 16);
  TileShapes shapes;
  for (const int tile : {0, 1, 4}) shapes.set(tile, upper);
  for (const int tile : {2, 3, 5}) shapes.set(tile, rows - upper);
  for (const int tile : {6, 7}) shapes.set(tile, 16);
  asm volatile("ldtilecfg %0" ::"m"(shapes));
}

inline void end_amx_tiles() { asm volatile("tilerelease"); }

/// Sixteen rows of sixteen words, `row` words apart.
template <int tile>
[[gnu::always_inline]] inline void load_tile(const float* from, Index row) {
  asm volatile("tileloadd (%0,%1,1), %%tmm%c2" ::"r"(from), "r"(4 * row), "i"(tile) : "memory");
}
template <int tile>
[[gnu::always_inline]] inline void store_tile(float* to, Index row) {
  asm volatile("tilestored %%tmm%c2, (%0,%1,1)" ::"r"(to), "r"(4 * row), "i"(tile) : "memory");
}
template <int tile>
[[gnu::always_inline]] inline void clear_tile() {
  asm volatile("tilezero %%tmm%c0" ::"i"(tile));
}
template <int sum, int left, int right>
[[gnu::always_inline]] inline void add_product() {
  asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" ::"i"(sum), "i"(left), "i"(right));
}

/// The products of what registers 4 to 7 hold.
template <bool lower>
[[gnu::always_inline]] inline void add_products() {
  add_product<0, 4, 6>();
  add_product<1, 4, 7>();
  if constexpr (lower) {
    add_product<2, 5, 6>();
    add_product<3, 5, 7>();
  }
}

/// Loads a block of words of a, with its `lower` rows, or of b.
template <bool lower>
[[gnu::always_inline]] inline void load_left(const float* a, Index a_row) {
  load_tile<4>(a, a_row);
  if constexpr (lower) load_tile<5>(a + block_lanes * a_row, a_row);
}
[[gnu::always_inline]] inline void load_right(const float* b) {
  load_tile<6>(b, panel_cols);
  load_tile<7>(b + block_lanes, panel_cols);
}

/// Starts the sums, from c if they are added to it; writes them there.
template <bool lower>
[[gnu::always_inline]] inline void load_sums(const TileProduct* tile) {
  const float* below = tile->c + block_lanes * tile->c_row;
  if (tile->accumulate) {
    load_tile<0>(tile->c, tile->c_row);
    load_tile<1>(tile->c + block_lanes, tile->c_row);
    if constexpr (lower) load_tile<2>(below, tile->c_row);
    if constexpr (lower) load_tile<3>(below + block_lanes, tile->c_row);
  } else {
    clear_tile<0>();
    clear_tile<1>();
    if constexpr (lower) clear_tile<2>();
    if constexpr (lower) clear_tile<3>();
  }
}
template <bool lower>
[[gnu::always_inline]] inline void store_sums(const TileProduct* tile) {
  float* below = tile->c + block_lanes * tile->c_row;
  store_tile<0>(tile->c, tile->c_row);
  store_tile<1>(tile->c + block_lanes, tile->c_row);
  if constexpr (lower) store_tile<2>(below, tile->c_row);
  if constexpr (lower) store_tile<3>(below + block_lanes, tile->c_row);
}

/// Fetches the 32 columns of a row to be written; __builtin_prefetch would do so to read them.
[[gnu::always_inline]] inline void prefetch_row(const float* c) {
  asm volatile("prefetchw %0" ::"m"(c[0]));
  asm volatile("prefetchw %0" ::"m"(c[block_lanes]));
}

/// MultiplyTile for words of two bfloat16; a has rows of whole blocks of words, b is a panel. With
/// `split`, a = rounded + rest and so is b, and of the four products the smallest is left out.
template <bool lower, bool split>
void multiply_amx_tile(const TileProduct* tile) {
  constexpr Index right_block = block_words * panel_cols;
  const float* a = tile->a;
  const float* b = tile->b;
  load_sums<lower>(tile);
  const float* c = tile->c;
  const float* const end_of_c = c + tile->rows / 2 * 2 * tile->c_row;
  for (Index k = 0; k < tile->depth; k += block_words) {
    // What will be written: two rows for each of the first steps.
    if (c < end_of_c) {
      prefetch_row(c);
      prefetch_row(c + tile->c_row);
      c += 2 * tile->c_row;
    }
    if constexpr (split) {
      load_left<lower>(a + tile->a_rest, tile->a_row);
      load_right(b);
      add_products<lower>();
      load_left<lower>(a, tile->a_row);
      add_products<lower>();
      load_right(b + right_block);
      add_products<lower>();
      b += 2 * right_block;
    } else {
      load_left<lower>(a, tile->a_row);
      load_right(b);
      add_products<lower>();
      b += right_block;
    }
    a += block_words;
  }
  store_sums<lower>(tile);
}

template <bool split>
void multiply_amx(const TileProduct* tile) {
  tile->rows > 16 ? multiply_amx_tile<true, split>(tile) : multiply_amx_tile<false, split>(tile);
}

/// What both kernels have in common. Sums run over as many steps as possible: writing c costs most.
constexpr MicroKernel amx_kernel(Index block_depth, TileFunction multiply) {
  return {.max_rows = 32,
          .cols = 32,
          .block_rows = 32,
          .row_unit = 32,
          .block_depth = block_depth,
          .cell_rows = 256,
          .cell_panels = 8,
          .multiply = multiply,
          .begin = begin_amx_tiles,
          .end = end_amx_tiles};
}

inline constexpr MicroKernel amx_pair_kernel = amx_kernel(1024, multiply_amx<false>);
inline constexpr MicroKernel amx_split_kernel = amx_kernel(512, multiply_amx<true>);

}  // namespace detail

#endif

}  // namespace tessera::kernels
