#pragma once

#include <cmath>

#include "tessera/autograd/tape.hpp"
#include "tessera/kernels/arithmetic.hpp"
#include "tessera/kernels/rows.hpp"
#include "tessera/masking/token_index.hpp"

namespace tessera {

namespace detail {

/// Mean over all elements of loss(prediction - target). Sums are made per piece of fixed size and
/// then added in order, so that no thread count changes a bit.
template <std::floating_point Scalar, int Rank, class Loss, class Derivative>
Var<Scalar, 0> mean_loss(std::string_view op, const Var<Scalar, Rank>& prediction,
                         const Var<Scalar, Rank>& target, Loss loss, Derivative derivative) {
  if (prediction.shape() != target.shape()) {
    refuse(op, "prediction ", prediction.shape(), " and target ", target.shape(),
           " must have the same shape");
  }
  const Index count = prediction.value().size();
  if (count <= 0) {
    refuse(op, "prediction ", prediction.shape(), " is empty: its mean does not exist");
  }
  const Scalar* p = prediction.value().data();
  const Scalar* t = target.value().data();
  Tensor<Scalar, 1> partial(
      {(count + kernels::elements_per_cell - 1) / kernels::elements_per_cell});
  kernels::for_each_range(count, [&](Index begin, Index end) {
    Scalar sum{};
    for (Index i = begin; i < end; ++i) sum += loss(p[i] - t[i]);
    partial(begin / kernels::elements_per_cell) = sum;
  });
  Scalar total{};
  for (const Scalar sum : partial) total += sum;
  return record(
      op, Tensor<Scalar, 0>({}, total / static_cast<Scalar>(count)),
      [dprediction = prediction.gradient(), dtarget = target.gradient(), p = prediction.shared(),
       t = target.shared(), derivative, count](const Tensor<Scalar, 0>& dloss) {
        const Scalar share = dloss.item() / static_cast<Scalar>(count);
        auto result = Tensor<Scalar, Rank>::empty(p->shape());
        kernels::for_each_range(count, [&](Index begin, Index end) {
          for (Index i = begin; i < end; ++i) {
            result.data()[i] = share * derivative(p->data()[i] - t->data()[i]);
          }
        });
        if (dtarget.wanted()) {
          Tensor<Scalar, Rank> negated = result;
          kernels::scale(Scalar(-1), negated.data(), negated.size());
          dtarget.add(std::move(negated));
        }
        dprediction.add(std::move(result));
      },
      prediction, target);
}

}  // namespace detail

/// prediction [...], target [...] -> mean of (prediction - target)^2 [].
/// Throws std::invalid_argument if the shapes differ or are empty.
template <std::floating_point Scalar, int Rank>
Var<Scalar, 0> mse_loss(const Var<Scalar, Rank>& prediction, const Var<Scalar, Rank>& target) {
  return detail::mean_loss(
      "mse_loss", prediction, target, [](Scalar e) { return e * e; },
      [](Scalar e) { return 2 * e; });
}

/// prediction [...], target [...] -> mean [] of e^2 / (2 beta) where |e| < beta, else of
/// |e| - beta / 2. Girshick, "Fast R-CNN", 2015, eq. 3.
/// Throws std::invalid_argument if the shapes differ or are empty, or unless beta is positive.
template <std::floating_point Scalar, int Rank>
Var<Scalar, 0> smooth_l1_loss(const Var<Scalar, Rank>& prediction, const Var<Scalar, Rank>& target,
                              std::type_identity_t<Scalar> beta = Scalar(1)) {
  if (!(std::isfinite(beta) && beta > 0)) {
    refuse("smooth_l1_loss", "beta = ", beta, " must be finite and positive");
  }
  return detail::mean_loss(
      "smooth_l1_loss", prediction, target,
      [beta](Scalar e) {
        const Scalar size = std::abs(e);
        return size < beta ? e * e / (2 * beta) : size - beta / 2;
      },
      [beta](Scalar e) { return std::abs(e) < beta ? e / beta : std::copysign(Scalar(1), e); });
}

/// prediction [B, N, D], target [B, N, D], mask [B, N] -> mean [] over the masked tokens of each
/// one's mean squared error. He et al., 2021, "Reconstruction target".
/// Throws std::invalid_argument where the shapes do not fit or if nothing is masked.
template <std::floating_point Scalar>
Var<Scalar, 0> masked_mse_loss(const Var<Scalar, 3>& prediction, const Tensor<Scalar, 3>& target,
                               const TokenMask& mask) {
  if (prediction.shape() != target.shape()) {
    refuse("masked_mse_loss", "prediction ", prediction.shape(), " and target ", target.shape(),
           " must have the same shape");
  }
  if (mask.shape() != Shape<2>{prediction.dim(0), prediction.dim(1)}) {
    refuse("masked_mse_loss", "mask ", mask.shape(),
           " must have one entry per token of prediction ", prediction.shape());
  }
  const Index cols = prediction.dim(2);
  const Index masked = std::count(mask.begin(), mask.end(), true);
  if (cols <= 0) {
    refuse("masked_mse_loss", "prediction ", prediction.shape(),
           " is empty: its mean does not exist");
  }
  if (masked <= 0) {
    refuse("masked_mse_loss", "mask ", mask.shape(),
           " masks no token: the mean over masked tokens does not exist");
  }
  auto error = Tensor<Scalar, 3>(prediction.shape());
  auto squares = Tensor<Scalar, 1>({mask.size()});
  parallel_ranges(mask.size(), kernels::rows_per_cell(cols), [&](Index begin, Index end) {
    for (Index r = begin; r < end; ++r) {
      if (!mask.data()[r]) continue;
      for (Index c = 0; c < cols; ++c) {
        const Scalar e = prediction.value().row(r)[c] - target.row(r)[c];
        error.row(r)[c] = e;
        squares(r) += e * e;
      }
    }
  });
  Scalar total{};
  for (const Scalar sum : squares) total += sum;
  const Scalar share = Scalar(1) / static_cast<Scalar>(masked * cols);
  return record(
      "masked_mse_loss", Tensor<Scalar, 0>({}, total * share),
      [dprediction = prediction.gradient(), error = std::move(error),
       share](const Tensor<Scalar, 0>& dloss) mutable {
        kernels::scale(2 * share * dloss.item(), error.data(), error.size());
        dprediction.add(std::move(error));
      },
      prediction);
}

}  // namespace tessera
