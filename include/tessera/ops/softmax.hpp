#pragma once

#include <cmath>

#include "tessera/autograd/record.hpp"
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
  if (cols <= 0 && rows != 0) refuse("softmax", "x ", x.shape(), " has an empty last axis");
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

/// x [..., N] -> log(softmax(x)) over the last axis [..., N], in the form that keeps its digits
/// where a probability is small: x - max(x) - log(sum exp(x - max(x))). Throws
/// std::invalid_argument if the last axis is empty while there are rows.
template <std::floating_point Scalar, int Rank>
Var<Scalar, Rank> log_softmax(const Var<Scalar, Rank>& x) {
  static_assert(Rank >= 1);
  const Index rows = x.value().rows();
  const Index cols = x.value().cols();
  if (cols <= 0 && rows != 0) refuse("log_softmax", "x ", x.shape(), " has an empty last axis");
  Tensor<Scalar, Rank> y = x.value();
  parallel_ranges(rows, kernels::rows_per_cell(cols), [&](Index begin, Index end) {
    for (Index r = begin; r < end; ++r) {
      const Scalar* in = x.value().row(r);
      Scalar* out = y.row(r);
      const Scalar largest = kernels::largest_of_row(in, cols);
      const Scalar log_sum = std::log(kernels::exponentials_of_row(out, cols, Scalar(1), largest));
      for (Index c = 0; c < cols; ++c) out[c] = in[c] - largest - log_sum;
    }
  });
  const auto shared = detail::share(std::move(y));
  return record(
      "log_softmax", shared,
      [dx = x.gradient(), shared](Tensor<Scalar, Rank> dy) {
        const Index width = dy.cols();
        Tensor<Scalar, Rank> probabilities = *shared;
        parallel_ranges(dy.rows(), kernels::rows_per_cell(width), [&](Index begin, Index end) {
          for (Index r = begin; r < end; ++r) {
            Scalar* gradient = dy.row(r);
            Scalar* probability = probabilities.row(r);
            kernels::exponentials_of_row(probability, width, Scalar(1), Scalar(0));
            double sum = 0;
            for (Index c = 0; c < width; ++c) sum += static_cast<double>(gradient[c]);
            const auto total = static_cast<Scalar>(sum);
            for (Index c = 0; c < width; ++c) gradient[c] -= probability[c] * total;
          }
        });
        dx.add(std::move(dy));
      },
      x);
}

}  // namespace tessera
