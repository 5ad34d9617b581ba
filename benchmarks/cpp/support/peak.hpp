#pragma once

#include <algorithm>
#include <chrono>
#include <vector>

#include "tessera/core/random/distributions.hpp"
#include "tessera/kernels/matmul/blocked.hpp"

namespace tessera::benchmarks {

/// FLOP/s of the micro-kernel on operands that never leave the first-level cache: what the
/// arithmetic units of one core do at this moment's clock. The best of a few short runs. The
/// operands are noise: processors slow down for products of it, and not for products of zeros.
inline double measured_peak(kernels::GemmInput input = kernels::GemmInput::f32) {
  using Clock = std::chrono::steady_clock;
  const kernels::MicroKernel& kernel = kernels::micro_kernel(input);
  const bool pairs = input != kernels::GemmInput::f32;
  const Index depth = input == kernels::GemmInput::bf16_split ? 64 : 128;
  const Index values = pairs ? 2 * depth : depth;
  constexpr int calls = 2000;
  Generator generator(1);
  std::vector<float> a(static_cast<std::size_t>(kernel.mr * values));
  std::vector<float> b(static_cast<std::size_t>(kernels::panel_cols * values));
  for (float& x : a) x = static_cast<float>(generator.normal());
  for (float& x : b) x = static_cast<float>(generator.normal());
  const kernels::PackedA left({a.data(), values, 1}, kernel.mr, values, input);
  kernels::PanelsOfB right(
      {b.data(), values, kernels::panel_cols, values, kernels::BLayout::n_by_k}, input, 0, 1,
      kernel.mr, depth);
  right.prepare(0, depth);
  std::vector<float> c(static_cast<std::size_t>(kernel.mr * kernels::panel_cols));
  const kernels::TileProduct tile{.a = left.operand().data,
                                  .a_row_stride = left.operand().outer_stride,
                                  .a_k_stride = 1,
                                  .a_low_part = left.low_part(),
                                  .b = right.panel(0),
                                  .b_k_stride = right.k_stride(),
                                  .c = c.data(),
                                  .c_stride = kernels::panel_cols,
                                  .rows = kernel.mr,
                                  .steps = depth,
                                  .accumulate = false,
                                  .prefetch = {right.panel(0), 0, depth, 0}};
  double best = 1e9;
  kernels::Configuration configuration(kernel);
  configuration.set_rows(kernel.mr);
  for (int run = 0; run < 5; ++run) {
    const auto start = Clock::now();
    for (int i = 0; i < calls; ++i) kernel.multiply(&tile);
    best = std::min(best, std::chrono::duration<double>(Clock::now() - start).count());
  }
  const auto flops = static_cast<double>(2 * kernel.mr * kernel.nr * values);
  return calls * flops / best;
}

}  // namespace tessera::benchmarks
