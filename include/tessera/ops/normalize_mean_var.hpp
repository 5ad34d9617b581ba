#pragma once

#include <cmath>

#include "tessera/autograd/tape.hpp"
#include "tessera/kernels/rows.hpp"

namespace tessera {

/// x [..., D] -> (x - mean) / sqrt(var + eps) over the last axis [..., D], with the unbiased
/// variance (divisor D - 1) that norm_pix_loss asks for. He et al., 2021, "Reconstruction target".
/// Throws std::invalid_argument if the last axis has fewer than two values, or unless eps is finite
/// and >= 0.
template <std::floating_point Scalar, int Rank>
Var<Scalar, Rank> normalize_mean_var(const Var<Scalar, Rank>& x,
                                     std::type_identity_t<Scalar> eps = Scalar(1e-6)) {
  static_assert(Rank >= 1);
  const Index cols = x.value().cols();
  require(cols > 1, "normalize_mean_var", "x ", x.shape(),
          " needs two values along its last axis for an unbiased variance");
  require(std::isfinite(eps) && eps >= 0, "normalize_mean_var", "eps = ", eps,
          " must be finite and not negative");
  auto y = Tensor<Scalar, Rank>::empty(x.shape());
  auto rstd = Tensor<Scalar, 1>::empty({x.value().rows()});
  parallel_ranges(y.rows(), kernels::rows_per_cell(cols), [&](Index begin, Index end) {
    for (Index r = begin; r < end; ++r) {
      const ConstArrayMap<Scalar> in(x.value().row(r), cols);
      const Scalar mean = in.mean();
      const Scalar variance = (in - mean).square().sum() / static_cast<Scalar>(cols - 1);
      rstd(r) = Scalar(1) / std::sqrt(variance + eps);
      ArrayMap<Scalar>(y.row(r), cols) = (in - mean) * rstd(r);
    }
  });
  const auto shared = std::make_shared<const Tensor<Scalar, Rank>>(std::move(y));
  return record(
      "normalize_mean_var", shared,
      [dx = x.gradient(), shared, rstd = std::move(rstd), cols](Tensor<Scalar, Rank> dy) {
        // dx = rstd * (dy - mean(dy) - y * sum(dy * y) / (D - 1))
        parallel_ranges(dy.rows(), kernels::rows_per_cell(cols), [&](Index begin, Index end) {
          for (Index r = begin; r < end; ++r) {
            const ConstArrayMap<Scalar> normal(shared->row(r), cols);
            ArrayMap<Scalar> gradient(dy.row(r), cols);
            const Scalar mean = gradient.mean();
            const Scalar along = (gradient * normal).sum() / static_cast<Scalar>(cols - 1);
            gradient = rstd(r) * (gradient - mean - normal * along);
          }
        });
        dx.add(std::move(dy));
      },
      x);
}

}  // namespace tessera
