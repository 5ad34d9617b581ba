#pragma once

#include "tessera/autograd/record.hpp"
#include "tessera/kernels/rows.hpp"
#include "tessera/kernels/swiglu.hpp"

namespace tessera {

/// x [..., 2 h] -> silu(x[..., :h]) * x[..., h:] [..., h], the gate first; silu(z) = z / (1 +
/// exp(-z)). Shazeer, "GLU variants improve transformer", 2020, eq. 5.
/// Throws std::invalid_argument if the last axis is not even.
template <std::floating_point Scalar, int Rank>
Var<Scalar, Rank> swiglu(const Var<Scalar, Rank>& x) {
  static_assert(Rank >= 1);
  if (x.value().cols() % 2 != 0) {
    refuse("swiglu", "the last axis of x ", x.shape(), " cannot be halved");
  }
  const Index half = x.value().cols() / 2;
  Shape<Rank> shape = x.shape();
  shape.back() = half;
  auto y = Tensor<Scalar, Rank>::empty(shape);
  const Index rows_per_cell = kernels::rows_per_cell(2 * half);
  parallel_ranges(y.rows(), rows_per_cell, [&](Index begin, Index end) {
    for (Index r = begin; r < end; ++r) {
      kernels::swiglu_forward(x.value().row(r), x.value().row(r) + half, y.row(r), half);
    }
  });
  return record(
      "swiglu", std::move(y),
      [dx = x.gradient(), input = x.shared(), half, rows_per_cell](const Tensor<Scalar, Rank>& dy) {
        auto result = Tensor<Scalar, Rank>::empty(input->shape());
        parallel_ranges(dy.rows(), rows_per_cell, [&](Index begin, Index end) {
          for (Index r = begin; r < end; ++r) {
            kernels::swiglu_backward(input->row(r), input->row(r) + half, dy.row(r), result.row(r),
                                     result.row(r) + half, half);
          }
        });
        dx.add(std::move(result));
      },
      x);
}

}  // namespace tessera
