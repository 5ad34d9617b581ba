#pragma once

#include <cmath>

#include "tessera/autograd/tape.hpp"
#include "tessera/kernels/rows.hpp"

namespace tessera {

/// x [..., 2 h] -> silu(x[..., :h]) * x[..., h:] [..., h], the gate first; silu(z) = z / (1 +
/// exp(-z)). Shazeer, "GLU variants improve transformer", 2020, eq. 5.
/// Throws std::invalid_argument if the last axis is not even.
template <std::floating_point Scalar, int Rank>
Var<Scalar, Rank> swiglu(const Var<Scalar, Rank>& x) {
  static_assert(Rank >= 1);
  require(x.value().cols() % 2 == 0, "swiglu", "the last axis of x ", x.shape(),
          " cannot be halved");
  const Index half = x.value().cols() / 2;
  Shape<Rank> shape = x.shape();
  shape.back() = half;
  auto y = Tensor<Scalar, Rank>::empty(shape);
  const Index rows_per_cell = kernels::rows_per_cell(2 * half);
  parallel_ranges(y.rows(), rows_per_cell, [&](Index begin, Index end) {
    for (Index r = begin; r < end; ++r) {
      const ConstArrayMap<Scalar> gate(x.value().row(r), half);
      const ConstArrayMap<Scalar> value(x.value().row(r) + half, half);
      ArrayMap<Scalar>(y.row(r), half) = gate / (Scalar(1) + (-gate).exp()) * value;
    }
  });
  return record(
      "swiglu", std::move(y),
      [dx = x.gradient(), input = x.shared(), half, rows_per_cell](const Tensor<Scalar, Rank>& dy) {
        auto result = Tensor<Scalar, Rank>::empty(input->shape());
        parallel_ranges(dy.rows(), rows_per_cell, [&](Index begin, Index end) {
          for (Index r = begin; r < end; ++r) {
            for (Index c = 0; c < half; ++c) {
              const Scalar gate = input->row(r)[c];
              const Scalar sigmoid = Scalar(1) / (Scalar(1) + std::exp(-gate));
              const Scalar upstream = dy.row(r)[c];
              result.row(r)[c] = upstream * input->row(r)[half + c] * sigmoid *
                                 (Scalar(1) + gate * (Scalar(1) - sigmoid));
              result.row(r)[half + c] = upstream * gate * sigmoid;
            }
          }
        });
        dx.add(std::move(result));
      },
      x);
}

}  // namespace tessera
