#pragma once

#include "tessera/autograd/tape.hpp"
#include "tessera/kernels/rows.hpp"
#include "tessera/kernels/softmax.hpp"

namespace tessera {

/// x [..., N] -> exp(x) / sum exp(x) over the last axis [..., N].
/// Throws std::invalid_argument if the last axis is empty while there are rows.
template <std::floating_point Scalar, int Rank>
Var<Scalar, Rank> softmax(const Var<Scalar, Rank>& x) {
  static_assert(Rank >= 1);
  const Index rows = x.value().rows();
  const Index cols = x.value().cols();
  if (!(cols > 0 || rows == 0)) refuse("softmax", "x ", x.shape(), " has an empty last axis");
  Tensor<Scalar, Rank> y = x.value();
  parallel_ranges(rows, kernels::rows_per_cell(cols), [&](Index begin, Index end) {
    for (Index r = begin; r < end; ++r) kernels::softmax_row(y.row(r), cols);
  });
  const auto shared = detail::share(std::move(y));
  return record(
      "softmax", shared,
      [dx = x.gradient(), shared](Tensor<Scalar, Rank> dy) {
        parallel_ranges(dy.rows(), kernels::rows_per_cell(dy.cols()), [&](Index begin, Index end) {
          for (Index r = begin; r < end; ++r) {
            kernels::softmax_row_backward(shared->row(r), dy.row(r), dy.cols());
          }
        });
        dx.add(std::move(dy));
      },
      x);
}

}  // namespace tessera
