#pragma once

#include <cmath>
#include <type_traits>

#include "tessera/autograd/record.hpp"
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

/// x [...] -> x * factor [...], the product with a number. Throws std::invalid_argument unless the
/// factor is finite.
template <std::floating_point Scalar, int Rank>
Var<Scalar, Rank> scale(const Var<Scalar, Rank>& x, std::type_identity_t<Scalar> factor) {
  if (!std::isfinite(factor)) refuse("scale", "factor = ", factor, " must be finite");
  const auto multiply = [factor](Tensor<Scalar, Rank>& values) {
    kernels::for_each_range(values.size(), [&](Index begin, Index end) {
      kernels::scale(factor, values.data() + begin, end - begin);
    });
  };
  Tensor<Scalar, Rank> y = x.value();
  multiply(y);
  return record(
      "scale", std::move(y),
      [dx = x.gradient(), multiply](Tensor<Scalar, Rank> dy) {
        multiply(dy);
        dx.add(std::move(dy));
      },
      x);
}

}  // namespace tessera
