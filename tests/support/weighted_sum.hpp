#pragma once

#include "tessera/autograd/record.hpp"
#include "tessera/kernels/arithmetic.hpp"

namespace tessera::test {

/// x [...], weights [...] -> sum of x * weights []: turns any output into a loss whose gradient
/// with respect to x is `weights`. Throws std::invalid_argument if the shapes differ.
template <std::floating_point Scalar, int Rank>
Var<Scalar, 0> weighted_sum(const Var<Scalar, Rank>& x, const Tensor<Scalar, Rank>& weights) {
  if (x.shape() != weights.shape()) {
    refuse("weighted_sum", "x ", x.shape(), " and weights ", weights.shape(),
           " must have the same shape");
  }
  Scalar total{};
  for (Index i = 0; i < weights.size(); ++i) total += x.value().data()[i] * weights.data()[i];
  return record(
      "weighted_sum", Tensor<Scalar, 0>({}, total),
      [dx = x.gradient(), weights = weights](const Tensor<Scalar, 0>& dloss) mutable {
        kernels::scale(dloss.item(), weights.data(), weights.size());
        dx.add(std::move(weights));
      },
      x);
}

}  // namespace tessera::test
