#pragma once

#include <algorithm>
#include <array>
#include <chrono>

#include "tessera/kernels/pair_kernel.hpp"

namespace tessera::benchmarks {

/// FLOP/s of the micro-kernel on operands that never leave the first-level cache: what the fused
/// multiply-add units of one core do at this moment's clock. The best of a few short runs.
/// With `pairs`, that of the bfloat16 dot products.
inline double measured_peak(bool pairs = false) {
  using Clock = std::chrono::steady_clock;
  const kernels::MicroKernel& kernel =
      pairs ? kernels::micro_kernel_of_pairs() : kernels::micro_kernel(current_isa());
  constexpr Index depth = 4096;
  constexpr int calls = 50;
  alignas(64) static std::array<float, 64> line{};
  alignas(64) static std::array<float, 14 * kernels::panel_cols> result{};
  const kernels::TileProduct tile{.a = line.data(),
                                  .a_row = 1,
                                  .a_step = 0,
                                  .b = line.data(),
                                  .b_step = 0,
                                  .c = result.data(),
                                  .c_row = kernels::panel_cols,
                                  .depth = depth,
                                  .accumulate = false,
                                  .next = {line.data(), 0, depth, 0}};
  double best = 1e9;
  for (int run = 0; run < 5; ++run) {
    const auto start = Clock::now();
    for (int i = 0; i < calls; ++i) {
      kernel.of_rows[static_cast<std::size_t>(kernel.max_rows)](&tile);
    }
    best = std::min(best, std::chrono::duration<double>(Clock::now() - start).count());
  }
  const auto flops = static_cast<double>(kernel.max_rows * kernel.cols * depth * (pairs ? 4 : 2));
  return calls * flops / best;
}

}  // namespace tessera::benchmarks
