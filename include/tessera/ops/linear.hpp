#pragma once

#include "tessera/autograd/tape.hpp"
#include "tessera/kernels/matmul.hpp"
#include "tessera/kernels/rows.hpp"

namespace tessera {

namespace detail {

/// [..., K] -> [..., N].
template <int Rank>
Shape<Rank> with_last(Shape<Rank> shape, Index last) {
  shape.back() = last;
  return shape;
}

template <std::floating_point Scalar, int Rank, int WeightRank>
void check_linear(std::string_view op, const Var<Scalar, Rank>& x,
                  const Var<Scalar, WeightRank>& weight,
                  const std::optional<Var<Scalar, 1>>& bias) {
  static_assert(Rank >= 1 && WeightRank >= 2);
  const Index inputs = kernels::weight_view(weight.value()).cols;
  require(x.value().cols() == inputs, op, "x ", x.shape(), " must end in the ", inputs,
          " inputs of weight ", weight.shape());
  require(!bias || bias->dim(0) == weight.dim(0), op, "bias ", bias ? bias->shape() : Shape<1>{},
          " must have the ", weight.dim(0), " outputs of weight ", weight.shape());
}

/// The three gradients that every form of linear shares: dy [M, N] is that of x * weight^T + bias.
/// Rows [first, first + N) of the weight took part.
template <std::floating_point Scalar, int Rank, int WeightRank>
struct LinearBackward {
  LinearBackward(const Var<Scalar, Rank>& x, const Var<Scalar, WeightRank>& weight,
                 const std::optional<Var<Scalar, 1>>& bias, Index first = 0)
      : dx(x.gradient()),
        dweight(weight.gradient()),
        dbias(gradient_of(bias)),
        x_value(dweight.wanted() ? x.shared() : nullptr),
        weight_value(dx.wanted() ? weight.shared() : nullptr),
        first_output(first) {}

  void operator()(const Tensor<Scalar, Rank>& dy) const {
    const kernels::MatrixView<const Scalar> gradient = kernels::view(dy);
    if (dx.wanted()) {
      auto result = Tensor<Scalar, Rank>::empty(dx.shape());
      const auto rows = kernels::weight_view(*weight_value).middle_rows(first_output, dy.cols());
      kernels::matmul_nn<Scalar>(gradient, rows, kernels::view(result));
      dx.add(std::move(result));
    }
    if (dweight.wanted()) {
      auto result = dy.cols() == dweight.shape()[0]
                        ? Tensor<Scalar, WeightRank>::empty(dweight.shape())
                        : Tensor<Scalar, WeightRank>(dweight.shape());
      const auto rows = kernels::weight_view(result).middle_rows(first_output, dy.cols());
      kernels::matmul_tn<Scalar>(gradient, kernels::view(*x_value), rows);
      dweight.add(std::move(result));
    }
    if (dbias.wanted()) {
      auto result = Tensor<Scalar, 1>(dbias.shape());
      kernels::column_sums<Scalar>(gradient, result.data() + first_output);
      dbias.add(std::move(result));
    }
  }

  GradientSink<Scalar, Rank> dx;
  GradientSink<Scalar, WeightRank> dweight;
  GradientSink<Scalar, 1> dbias;
  std::shared_ptr<const Tensor<Scalar, Rank>> x_value;
  std::shared_ptr<const Tensor<Scalar, WeightRank>> weight_value;
  Index first_output;
};

}  // namespace detail

/// x [..., K], weight [N, K] (further axes folded into K), bias [N] -> x weight^T + bias [..., N].
/// Throws std::invalid_argument where the shapes do not fit.
template <std::floating_point Scalar, int Rank, int WeightRank>
Var<Scalar, Rank> linear(const Var<Scalar, Rank>& x, const Var<Scalar, WeightRank>& weight,
                         const OptionalVar<Scalar, 1>& bias = std::nullopt) {
  detail::check_linear("linear", x, weight, bias);
  auto y = Tensor<Scalar, Rank>::empty(detail::with_last<Rank>(x.shape(), weight.dim(0)));
  kernels::matmul_nt<Scalar>(kernels::view(x.value()), kernels::weight_view(weight.value()),
                             kernels::view(y), kernels::Accumulate::no,
                             {.bias = bias ? bias->value().data() : nullptr});
  return record("linear", std::move(y), detail::LinearBackward(x, weight, bias), x, weight, bias);
}

/// Outputs [first, first + count) of linear alone: x [..., K] -> [..., count].
/// Throws std::invalid_argument where the shapes do not fit or the outputs do not exist.
template <std::floating_point Scalar, int Rank, int WeightRank>
Var<Scalar, Rank> linear_outputs(const Var<Scalar, Rank>& x, const Var<Scalar, WeightRank>& weight,
                                 const OptionalVar<Scalar, 1>& bias, Index first, Index count) {
  detail::check_linear("linear_outputs", x, weight, bias);
  require(first >= 0 && count >= 0 && count <= weight.dim(0) - first, "linear_outputs",
          "first = ", first, " and count = ", count, " do not fit weight ", weight.shape());
  auto y = Tensor<Scalar, Rank>::empty(detail::with_last<Rank>(x.shape(), count));
  const auto rows = kernels::weight_view(weight.value()).middle_rows(first, count);
  kernels::matmul_nt<Scalar>(kernels::view(x.value()), rows, kernels::view(y),
                             kernels::Accumulate::no,
                             {.bias = bias ? bias->value().data() + first : nullptr});
  return record("linear_outputs", std::move(y), detail::LinearBackward(x, weight, bias, first), x,
                weight, bias);
}

}  // namespace tessera
