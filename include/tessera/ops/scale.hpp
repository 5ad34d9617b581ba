#pragma once

#include "tessera/autograd/tape.hpp"
#include "tessera/kernels/arithmetic.hpp"
#include "tessera/kernels/rows.hpp"

namespace tessera {

/// x [..., D], gamma [D] -> x * gamma [..., D] (LayerScale; Touvron et al., 2021, 2.2).
/// Throws std::invalid_argument if gamma does not match the last axis.
template <std::floating_point Scalar, int Rank>
Var<Scalar, Rank> scale(const Var<Scalar, Rank>& x, const Var<Scalar, 1>& gamma) {
  static_assert(Rank >= 1);
  const Index cols = x.value().cols();
  if (gamma.dim(0) != cols) {
    refuse("scale", "gamma ", gamma.shape(), " must match the last axis of x ", x.shape());
  }
  const auto multiply = [cols](const Tensor<Scalar, Rank>& in, const Scalar* factor) {
    auto out = Tensor<Scalar, Rank>::empty(in.shape());
    parallel_ranges(in.rows(), kernels::rows_per_cell(cols), [&](Index begin, Index end) {
      for (Index r = begin; r < end; ++r) kernels::multiply(in.row(r), factor, out.row(r), cols);
    });
    return out;
  };
  return record(
      "scale", multiply(x.value(), gamma.value().data()),
      [dx = x.gradient(), dgamma = gamma.gradient(), input = x.shared(), factor = gamma.shared(),
       multiply](Tensor<Scalar, Rank> dy) {
        if (dx.wanted()) dx.add(multiply(dy, factor->data()));
        if (dgamma.wanted()) {
          auto result = Tensor<Scalar, 1>::empty(dgamma.shape());
          kernels::multiply(input->data(), std::as_const(dy).data(), dy.data(), dy.size());
          kernels::column_sums<Scalar>(kernels::view(std::as_const(dy)), result.data());
          dgamma.add(std::move(result));
        }
      },
      x, gamma);
}

}  // namespace tessera
