#pragma once

#include "tessera/kernels/gelu.hpp"
#include "tessera/ops/linear.hpp"

namespace tessera {

/// x [..., K], weight [N, K], bias [N] -> gelu(x weight^T + bias) [..., N], the two steps of
/// linear and gelu in one pass. Backward keeps the input of gelu, not its output.
/// Throws std::invalid_argument where the shapes do not fit.
template <std::floating_point Scalar, int Rank, int WeightRank>
Var<Scalar, Rank> linear_gelu(const Var<Scalar, Rank>& x, const Var<Scalar, WeightRank>& weight,
                              const OptionalVar<Scalar, 1>& bias = std::nullopt) {
  detail::check_linear("linear_gelu", x, weight, bias);
  const Shape<Rank> shape = detail::with_last<Rank>(x.shape(), weight.dim(0));
  auto y = Tensor<Scalar, Rank>::empty(shape);
  const bool recorded =
      x.requires_grad() || weight.requires_grad() || (bias && bias->requires_grad());
  auto before = recorded ? Tensor<Scalar, Rank>::empty(shape) : Tensor<Scalar, Rank>();
  kernels::matmul_nt<Scalar>(kernels::view(x.value()), kernels::weight_view(weight.value()),
                             kernels::view(y), kernels::Accumulate::no,
                             {.bias = bias ? bias->value().data() : nullptr,
                              .gelu = true,
                              .gelu_input = recorded ? before.data() : nullptr});
  return record(
      "linear_gelu", std::move(y),
      [before = std::move(before),
       linear_backward = detail::LinearBackward(x, weight, bias)](Tensor<Scalar, Rank> dy) {
        kernels::for_each_range(dy.size(), [&](Index begin, Index end) {
          kernels::gelu_backward(before.data() + begin, dy.data() + begin, dy.data() + begin,
                                 end - begin);
        });
        linear_backward(dy);
      },
      x, weight, bias);
}

}  // namespace tessera
