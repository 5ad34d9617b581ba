#pragma once

#include "tessera/autograd/record.hpp"
#include "tessera/kernels/gelu.hpp"
#include "tessera/kernels/gelu_tanh.hpp"
#include "tessera/kernels/rows.hpp"

namespace tessera {

/// The way to compute GELU's normal distribution, with PyTorch's names.
enum class GeluApproximation {
  none,  ///< exactly, by erf: every published MAE and I-JEPA model
  tanh,  ///< by tanh, at most 4.8e-4 away: "gelu_tanh" in timm, "gelu_pytorch_tanh" elsewhere
};

/// x [...] -> x * Phi(x) [...], Phi the normal distribution. Hendrycks & Gimpel, 2016.
template <std::floating_point Scalar, int Rank>
Var<Scalar, Rank> gelu(const Var<Scalar, Rank>& x,
                       GeluApproximation approximation = GeluApproximation::none) {
  const bool exact = approximation == GeluApproximation::none;
  const auto forward = exact ? kernels::gelu_forward<Scalar> : kernels::gelu_tanh_forward<Scalar>;
  const auto backward =
      exact ? kernels::gelu_backward<Scalar> : kernels::gelu_tanh_backward<Scalar>;
  auto y = Tensor<Scalar, Rank>::empty(x.shape());
  kernels::for_each_range(y.size(), [&](Index begin, Index end) {
    forward(x.value().data() + begin, y.data() + begin, end - begin);
  });
  return record(
      "gelu", std::move(y),
      [dx = x.gradient(), input = x.shared(), backward](Tensor<Scalar, Rank> dy) {
        kernels::for_each_range(dy.size(), [&](Index begin, Index end) {
          backward(input->data() + begin, dy.data() + begin, dy.data() + begin, end - begin);
        });
        dx.add(std::move(dy));
      },
      x);
}

}  // namespace tessera
