#pragma once

#include <algorithm>
#include <cstdint>

#include "tessera/kernels/matmul/bf16_pairs.hpp"
#include "tessera/kernels/matmul/micro_kernel.hpp"

// The micro-kernel on AMX: eight registers of 16 x 16 pairs of bfloat16 or float32 sums, and one
// instruction that adds the product of two registers of pairs to one of sums (Intel, "Intrinsics
// for Intel Advanced Matrix Extensions"). Written in assembly: no compiler flag is needed then.
// Intel calls the registers tiles; here a tile is what four of them hold, 32 x 32 sums.

namespace tessera::kernels {

#if defined(__x86_64__)

namespace detail {

/// The shapes of the registers, as the processor is told them (palette 1).
struct alignas(64) RegisterShapes {
  std::uint8_t palette = 1;
  std::uint8_t start_row = 0;
  std::uint8_t reserved[14] = {};
  std::uint16_t row_bytes[16] = {};
  std::uint8_t rows[16] = {};

  void set(int index, Index row_count) {
    row_bytes[index] = row_count > 0 ? 64 : 0;
    rows[index] = static_cast<std::uint8_t>(row_count);
  }
};

// A tile of up to 32 x 32 elements uses the registers so:
//   0 1   sums of its upper 16 rows      4   rows of A, the upper 16
//   2 3   sums of its lower rows         5   the lower ones
//                                        6 7 columns of B, the left and right 16
inline void configure_amx(Index rows) {
  const Index upper = std::min(rows, pair_block);
  RegisterShapes shapes;
  for (const int index : {0, 1, 4}) shapes.set(index, upper);
  for (const int index : {2, 3, 5}) shapes.set(index, rows - upper);
  for (const int index : {6, 7}) shapes.set(index, pair_block);
  asm volatile("ldtilecfg %0" ::"m"(shapes));
}

inline void release_amx() { asm volatile("tilerelease"); }

/// Sixteen rows of sixteen pairs or sums, `stride` apart.
template <int index>
[[gnu::always_inline]] inline void load_register(const float* from, Index stride) {
  asm volatile("tileloadd (%0,%1,1), %%tmm%c2" ::"r"(from), "r"(4 * stride), "i"(index) : "memory");
}
template <int index>
[[gnu::always_inline]] inline void store_register(float* to, Index stride) {
  asm volatile("tilestored %%tmm%c2, (%0,%1,1)" ::"r"(to), "r"(4 * stride), "i"(index) : "memory");
}
template <int index>
[[gnu::always_inline]] inline void clear_register() {
  asm volatile("tilezero %%tmm%c0" ::"i"(index));
}
template <int sum, int a, int b>
[[gnu::always_inline]] inline void add_product() {
  asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" ::"i"(sum), "i"(a), "i"(b));
}

/// Adds the products of registers 4 to 7 to the sums.
template <bool lower>
[[gnu::always_inline]] inline void add_products() {
  add_product<0, 4, 6>();
  add_product<1, 4, 7>();
  if constexpr (lower) {
    add_product<2, 5, 6>();
    add_product<3, 5, 7>();
  }
}

/// Loads a block of pairs of A, with its `lower` rows, or of B.
template <bool lower>
[[gnu::always_inline]] inline void load_a(const float* a, Index row_stride) {
  load_register<4>(a, row_stride);
  if constexpr (lower) load_register<5>(a + pair_block * row_stride, row_stride);
}
[[gnu::always_inline]] inline void load_b(const float* b) {
  load_register<6>(b, panel_cols);
  load_register<7>(b + pair_block, panel_cols);
}

/// Starts the sums, from C if they are added to it; writes them there.
template <bool lower>
[[gnu::always_inline]] inline void load_sums(const TileProduct* tile) {
  const float* below = tile->c + pair_block * tile->c_stride;
  if (tile->accumulate) {
    load_register<0>(tile->c, tile->c_stride);
    load_register<1>(tile->c + pair_block, tile->c_stride);
    if constexpr (lower) load_register<2>(below, tile->c_stride);
    if constexpr (lower) load_register<3>(below + pair_block, tile->c_stride);
  } else {
    clear_register<0>();
    clear_register<1>();
    if constexpr (lower) clear_register<2>();
    if constexpr (lower) clear_register<3>();
  }
}
template <bool lower>
[[gnu::always_inline]] inline void store_sums(const TileProduct* tile) {
  float* below = tile->c + pair_block * tile->c_stride;
  store_register<0>(tile->c, tile->c_stride);
  store_register<1>(tile->c + pair_block, tile->c_stride);
  if constexpr (lower) store_register<2>(below, tile->c_stride);
  if constexpr (lower) store_register<3>(below + pair_block, tile->c_stride);
}

/// Fetches the 32 columns of a row to be written; __builtin_prefetch would do so to read them.
[[gnu::always_inline]] inline void prefetch_row(const float* c) {
  asm volatile("prefetchw %0" ::"m"(c[0]));
  asm volatile("prefetchw %0" ::"m"(c[pair_block]));
}

/// A tile of pairs; A has rows of whole blocks of pairs, B is a panel. With `split`, A = high + low
/// and so is B, and of the four products the smallest, low * low, is left out.
template <bool lower, bool split>
void multiply_amx_tile(const TileProduct* tile) {
  constexpr Index b_block = pair_block * panel_cols;
  const float* a = tile->a;
  const float* b = tile->b;
  load_sums<lower>(tile);
  const float* c = tile->c;
  const float* const end_of_c = c + tile->rows / 2 * 2 * tile->c_stride;
  for (Index k = 0; k < tile->steps; k += pair_block) {
    // C is fetched to be written: two rows of it for each of the first steps.
    if (c < end_of_c) {
      prefetch_row(c);
      prefetch_row(c + tile->c_stride);
      c += 2 * tile->c_stride;
    }
    if constexpr (split) {
      load_a<lower>(a + tile->a_low_part, tile->a_row_stride);
      load_b(b);
      add_products<lower>();
      load_a<lower>(a, tile->a_row_stride);
      add_products<lower>();
      load_b(b + b_block);
      add_products<lower>();
      b += 2 * b_block;
    } else {
      load_a<lower>(a, tile->a_row_stride);
      load_b(b);
      add_products<lower>();
      b += b_block;
    }
    a += pair_block;
  }
  store_sums<lower>(tile);
}

template <bool split>
void multiply_amx(const TileProduct* tile) {
  tile->rows > pair_block ? multiply_amx_tile<true, split>(tile)
                          : multiply_amx_tile<false, split>(tile);
}

/// The sizes that both kernels share. Sums run over as many steps as possible, for writing C costs
/// most: blocks of 128 to 2048 pairs of k, and cells of 256 to 1024 rows by 4 to 16 panels, were
/// tried on the shapes of MAE ViT-B/16 (benchmarks/python/compare_matmul.py, benchmarks/results/history.md).
constexpr MicroKernel amx_kernel(Index max_kc, void (*multiply)(const TileProduct*)) {
  return {.mr = max_tile_rows,
          .nr = panel_cols,
          .mc = max_tile_rows,
          .row_unit = max_tile_rows,
          .max_kc = max_kc,
          .cell_rows = 256,
          .cell_panels = 8,
          .multiply = multiply,
          .configure = configure_amx,
          .release = release_amx};
}

inline constexpr MicroKernel amx_bf16_kernel = amx_kernel(1024, multiply_amx<false>);
inline constexpr MicroKernel amx_split_kernel = amx_kernel(512, multiply_amx<true>);

}  // namespace detail

#endif

}  // namespace tessera::kernels
