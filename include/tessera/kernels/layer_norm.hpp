#pragma once

#include <Eigen/Core>
#include <cmath>

#include "tessera/kernels/rows.hpp"

namespace tessera::kernels {

/// y = (x - mean) / sqrt(var + eps) * gamma + beta per row, biased variance. gamma and beta may be
/// null; mean and rstd [rows] are kept for backward.
template <class Scalar>
void layer_norm_forward(MatrixView<const Scalar> x, const Scalar* gamma, const Scalar* beta,
                        Scalar eps, Scalar* y, Scalar* mean, Scalar* rstd) {
  parallel_ranges(x.rows, rows_per_cell(x.cols), [&](Index begin, Index end) {
    for (Index r = begin; r < end; ++r) {
      const ConstArrayMap<Scalar> in(x.row(r), x.cols);
      ArrayMap<Scalar> out(y + r * x.cols, x.cols);
      mean[r] = in.mean();
      rstd[r] = Scalar(1) / std::sqrt((in - mean[r]).square().mean() + eps);
      out = (in - mean[r]) * rstd[r];
      if (gamma) out *= ConstArrayMap<Scalar>(gamma, x.cols);
      if (beta) out += ConstArrayMap<Scalar>(beta, x.cols);
    }
  });
}

/// With n = (x - mean) * rstd and g = dy * gamma: dx = rstd * (g - mean(g) - n * mean(g * n)).
template <class Scalar>
void layer_norm_backward_input(MatrixView<const Scalar> x, const Scalar* gamma, const Scalar* mean,
                               const Scalar* rstd, const Scalar* dy, Scalar* dx) {
  parallel_ranges(x.rows, rows_per_cell(x.cols), [&](Index begin, Index end) {
    for (Index r = begin; r < end; ++r) {
      const ConstArrayMap<Scalar> in(x.row(r), x.cols);
      ArrayMap<Scalar> out(dx + r * x.cols, x.cols);
      out = ConstArrayMap<Scalar>(dy + r * x.cols, x.cols);
      if (gamma) out *= ConstArrayMap<Scalar>(gamma, x.cols);
      const Scalar mean_g = out.mean();
      const Scalar mean_gn = (out * (in - mean[r])).mean() * rstd[r];
      out = rstd[r] * (out - mean_g - (in - mean[r]) * (rstd[r] * mean_gn));
    }
  });
}

/// dgamma[c] = sum over rows of dy * n; rows in order, so that no thread count changes a bit.
template <class Scalar>
void layer_norm_backward_gamma(MatrixView<const Scalar> x, const Scalar* mean, const Scalar* rstd,
                               const Scalar* dy, Scalar* dgamma) {
  constexpr Index cols_per_cell = 64;
  parallel_ranges(x.cols, cols_per_cell, [&](Index begin, Index end) {
    std::fill(dgamma + begin, dgamma + end, Scalar{});
    for (Index r = 0; r < x.rows; ++r) {
      const Scalar* in = x.row(r);
      const Scalar* gradient = dy + r * x.cols;
      for (Index c = begin; c < end; ++c) {
        dgamma[c] += gradient[c] * (in[c] - mean[r]) * rstd[r];
      }
    }
  });
}

}  // namespace tessera::kernels
