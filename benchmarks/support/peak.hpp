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
inline double measured_peak(kernels::InputForm form = kernels::InputForm::floats) {
  using Clock = std::chrono::steady_clock;
  const kernels::MicroKernel& kernel = kernels::micro_kernel(form);
  const bool words = form != kernels::InputForm::floats;
  const Index depth = form == kernels::InputForm::split ? 64 : 128;
  const Index values = words ? 2 * depth : depth;
  constexpr int calls = 2000;
  Generator generator(1);
  std::vector<float> a(static_cast<std::size_t>(kernel.max_rows * values));
  std::vector<float> b(static_cast<std::size_t>(kernels::panel_cols * values));
  for (float& x : a) x = static_cast<float>(generator.normal());
  for (float& x : b) x = static_cast<float>(generator.normal());
  const kernels::LeftRows left({a.data(), values, 1}, kernel.max_rows, values, form);
  kernels::RightPanels right(
      {b.data(), values, kernels::panel_cols, values, kernels::RightLayout::cols_by_depth}, form, 0,
      1, kernel.max_rows, depth);
  right.prepare(0, depth);
  std::vector<float> c(static_cast<std::size_t>(kernel.max_rows * kernels::panel_cols));
  const kernels::TileProduct tile{.a = left.operand().data,
                                  .a_row = left.operand().row,
                                  .a_step = 1,
                                  .a_rest = left.rest(),
                                  .b = right.panel(0),
                                  .b_step = right.step(),
                                  .c = c.data(),
                                  .c_row = kernels::panel_cols,
                                  .rows = kernel.max_rows,
                                  .depth = depth,
                                  .accumulate = false,
                                  .next = {right.panel(0), 0, depth, 0}};
  double best = 1e9;
  if (kernel.begin != nullptr) kernel.begin(kernel.max_rows);
  for (int run = 0; run < 5; ++run) {
    const auto start = Clock::now();
    for (int i = 0; i < calls; ++i) kernel.multiply(&tile);
    best = std::min(best, std::chrono::duration<double>(Clock::now() - start).count());
  }
  if (kernel.end != nullptr) kernel.end();
  const auto flops = static_cast<double>(2 * kernel.max_rows * kernel.cols * values);
  return calls * flops / best;
}

}  // namespace tessera::benchmarks
