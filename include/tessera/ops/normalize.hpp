#pragma once

#include <algorithm>
#include <cmath>
#include <type_traits>

#include "tessera/autograd/record.hpp"
#include "tessera/kernels/rows.hpp"

namespace tessera {

/// x [..., D] -> x / max(|x|, eps) over the last axis [..., D], |x| the Euclidean norm: rows of
/// length 1, and shorter ones where |x| < eps. PyTorch's F.normalize. Norms are summed in double.
/// Throws std::invalid_argument unless eps is finite and positive.
template <std::floating_point Scalar, int Rank>
Var<Scalar, Rank> normalize(const Var<Scalar, Rank>& x,
                            std::type_identity_t<Scalar> eps = Scalar(1e-12)) {
  static_assert(Rank >= 1);
  if (!(std::isfinite(eps) && eps > 0)) {
    refuse("normalize", "eps = ", eps, " must be finite and positive");
  }
  const Index rows = x.value().rows();
  const Index cols = x.value().cols();
  auto y = Tensor<Scalar, Rank>::empty(x.shape());
  auto norms = Tensor<double, 1>::empty({rows});
  parallel_ranges(rows, kernels::rows_per_cell(cols), [&](Index begin, Index end) {
    for (Index r = begin; r < end; ++r) {
      const Scalar* in = x.value().row(r);
      double squares = 0;
      for (Index c = 0; c < cols; ++c) {
        squares += static_cast<double>(in[c]) * static_cast<double>(in[c]);
      }
      norms(r) = std::sqrt(squares);
      const double divisor = std::max(norms(r), static_cast<double>(eps));
      for (Index c = 0; c < cols; ++c) {
        y.row(r)[c] = static_cast<Scalar>(static_cast<double>(in[c]) / divisor);
      }
    }
  });
  const auto shared = detail::share(std::move(y));
  return record(
      "normalize", shared,
      [dx = x.gradient(), shared, norms = std::move(norms), eps](Tensor<Scalar, Rank> dy) {
        const Index width = dy.cols();
        parallel_ranges(dy.rows(), kernels::rows_per_cell(width), [&](Index begin, Index end) {
          for (Index r = begin; r < end; ++r) {
            // dx = (dy - y (y . dy)) / |x|: no step along x changes y. Below eps, dx = dy / eps.
            Scalar* gradient = dy.row(r);
            const Scalar* unit = shared->row(r);
            const bool whole = norms(r) > static_cast<double>(eps);
            double along = 0;
            for (Index c = 0; whole && c < width; ++c) {
              along += static_cast<double>(unit[c]) * static_cast<double>(gradient[c]);
            }
            const double divisor = whole ? norms(r) : static_cast<double>(eps);
            for (Index c = 0; c < width; ++c) {
              const double across =
                  static_cast<double>(gradient[c]) - static_cast<double>(unit[c]) * along;
              gradient[c] = static_cast<Scalar>(across / divisor);
            }
          }
        });
        dx.add(std::move(dy));
      },
      x);
}

}  // namespace tessera
