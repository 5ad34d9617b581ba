#pragma once

#include "tessera/autograd/record.hpp"
#include "tessera/kernels/layer_norm.hpp"

namespace tessera {

/// x [..., D], gamma [D], beta [D] -> (x - mean) / sqrt(var + eps) * gamma + beta [..., D], biased
/// variance over the last axis; without gamma and beta no affine part. Ba et al., 2016.
/// Throws std::invalid_argument where the shapes do not fit, or unless eps is finite and >= 0.
template <std::floating_point Scalar, int Rank>
Var<Scalar, Rank> layer_norm(const Var<Scalar, Rank>& x, const OptionalVar<Scalar, 1>& gamma,
                             const OptionalVar<Scalar, 1>& beta, std::type_identity_t<Scalar> eps) {
  static_assert(Rank >= 1);
  const Index cols = x.value().cols();
  if (cols <= 0) refuse("layer_norm", "x ", x.shape(), " has an empty last axis");
  if (gamma && gamma->dim(0) != cols) {
    refuse("layer_norm", "gamma ", gamma->shape(), " must match the last axis of x ", x.shape());
  }
  if (beta && beta->dim(0) != cols) {
    refuse("layer_norm", "beta ", beta->shape(), " must match the last axis of x ", x.shape());
  }
  if (!(std::isfinite(eps) && eps >= 0)) {
    refuse("layer_norm", "eps = ", eps, " must be finite and not negative");
  }
  const Index rows = x.value().rows();
  auto y = Tensor<Scalar, Rank>::empty(x.shape());
  auto mean = Tensor<Scalar, 1>::empty({rows});
  auto rstd = Tensor<Scalar, 1>::empty({rows});
  kernels::layer_norm_forward<Scalar>(
      kernels::view(x.value()), gamma ? gamma->value().data() : nullptr,
      beta ? beta->value().data() : nullptr, eps, y.data(), mean.data(), rstd.data());
  return record(
      "layer_norm", std::move(y),
      [dx = x.gradient(), dgamma = gradient_of(gamma), dbeta = gradient_of(beta),
       input = x.shared(), scale = gamma ? gamma->shared() : nullptr, mean = std::move(mean),
       rstd = std::move(rstd)](Tensor<Scalar, Rank> dy) {
        using Vector = Tensor<Scalar, 1>;
        auto scale_result = dgamma.wanted() ? Vector::empty(dgamma.shape()) : Vector();
        auto shift_result = dbeta.wanted() ? Vector::empty(dbeta.shape()) : Vector();
        kernels::layer_norm_backward<Scalar>(
            kernels::view(*input), scale ? scale->data() : nullptr, mean.data(), rstd.data(),
            dy.data(),
            {.x = dx.wanted() ? dy.data() : nullptr,
             .gamma = dgamma.wanted() ? scale_result.data() : nullptr,
             .beta = dbeta.wanted() ? shift_result.data() : nullptr});
        if (dgamma.wanted()) dgamma.add(std::move(scale_result));
        if (dbeta.wanted()) dbeta.add(std::move(shift_result));
        if (dx.wanted()) dx.add(std::move(dy));
      },
      x, gamma, beta);
}

}  // namespace tessera
