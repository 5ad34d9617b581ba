#pragma once

#include "tessera/autograd/tape.hpp"
#include "tessera/kernels/gelu.hpp"
#include "tessera/kernels/rows.hpp"

namespace tessera {

/// x [...] -> x * Phi(x) [...], the exact (erf) form. Hendrycks & Gimpel, 2016.
template <std::floating_point Scalar, int Rank>
Var<Scalar, Rank> gelu(const Var<Scalar, Rank>& x) {
  auto y = Tensor<Scalar, Rank>::empty(x.shape());
  kernels::for_each_range(y.size(), [&](Index begin, Index end) {
    kernels::gelu_forward(x.value().data() + begin, y.data() + begin, end - begin);
  });
  return record(
      "gelu", std::move(y),
      [dx = x.gradient(), input = x.shared()](Tensor<Scalar, Rank> dy) {
        kernels::for_each_range(dy.size(), [&](Index begin, Index end) {
          kernels::gelu_backward(input->data() + begin, dy.data() + begin, dy.data() + begin,
                                 end - begin);
        });
        dx.add(std::move(dy));
      },
      x);
}

}  // namespace tessera
