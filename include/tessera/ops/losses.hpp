#pragma once

#include <cmath>

#include "tessera/autograd/record.hpp"
#include "tessera/kernels/arithmetic.hpp"
#include "tessera/kernels/rows.hpp"

namespace tessera {

namespace detail {

/// Mean over all elements of loss(prediction - target). The losses are summed in double: the mean
/// is as good as they are, to a unit in its last place. Sums are made per range of fixed size and
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
  using Sum = kernels::SumOf<Scalar>;
  Tensor<Sum, 1> partial({(count + kernels::elements_per_cell - 1) / kernels::elements_per_cell});
  kernels::for_each_range(count, [&](Index begin, Index end) {
    Sum sum{};
    for (Index i = begin; i < end; ++i) sum += static_cast<Sum>(loss(p[i] - t[i]));
    partial(begin / kernels::elements_per_cell) = sum;
  });
  Sum total{};
  for (const Sum sum : partial) total += sum;
  return record(
      op, Tensor<Scalar, 0>({}, static_cast<Scalar>(total / static_cast<Sum>(count))),
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

/// prediction [...], target [...] -> mean of |prediction - target| []. Where both are equal the
/// gradient is zero, as PyTorch has it. Throws std::invalid_argument if the shapes differ or are
/// empty.
template <std::floating_point Scalar, int Rank>
Var<Scalar, 0> l1_loss(const Var<Scalar, Rank>& prediction, const Var<Scalar, Rank>& target) {
  return detail::mean_loss(
      "l1_loss", prediction, target, [](Scalar e) { return std::abs(e); },
      [](Scalar e) { return static_cast<Scalar>((e > 0) - (e < 0)); });
}

}  // namespace tessera
