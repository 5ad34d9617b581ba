#pragma once

#include "tessera/autograd/record.hpp"
#include "tessera/kernels/gelu.hpp"
#include "tessera/kernels/matmul/matmul.hpp"
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
  if (x.value().cols() != inputs) {
    refuse(op, "x ", x.shape(), " must end in the ", inputs, " inputs of weight ", weight.shape());
  }
  if (bias && bias->dim(0) != weight.dim(0)) {
    refuse(op, "bias ", bias->shape(), " must have the ", weight.dim(0), " outputs of weight ",
           weight.shape());
  }
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

/// The part of linear that is asked for, and the steps after it.
template <std::floating_point Scalar, int Rank>
struct LinearForm {
  Index first;
  Index count;
  bool gelu = false;
  const Var<Scalar, Rank>* residual = nullptr;  ///< added last
};

/// Outputs [first, first + count) of residual + gelu(x weight^T + bias), in the name of `op`.
/// Arguments must fit. Backward keeps the input of gelu, not its output.
template <std::floating_point Scalar, int Rank, int WeightRank>
Var<Scalar, Rank> apply_linear(std::string_view op, const Var<Scalar, Rank>& x,
                               const Var<Scalar, WeightRank>& weight,
                               const std::optional<Var<Scalar, 1>>& bias,
                               const LinearForm<Scalar, Rank>& form) {
  const Shape<Rank> shape = with_last<Rank>(x.shape(), form.count);
  auto y = Tensor<Scalar, Rank>::empty(shape);
  const bool recorded =
      x.requires_grad() || weight.requires_grad() || (bias && bias->requires_grad());
  auto gelu_input =
      form.gelu && recorded ? Tensor<Scalar, Rank>::empty(shape) : Tensor<Scalar, Rank>();
  kernels::matmul_nt<Scalar>(
      kernels::view(x.value()),
      kernels::weight_view(weight.value()).middle_rows(form.first, form.count), kernels::view(y),
      kernels::Accumulate::no,
      {.bias = bias ? bias->value().data() + form.first : nullptr,
       .gelu = form.gelu,
       .gelu_input = gelu_input.data(),
       .residual = form.residual ? form.residual->value().data() : nullptr});
  const auto residual = form.residual ? std::optional(*form.residual) : std::nullopt;
  return record(
      op, std::move(y),
      [gelu_input = std::move(gelu_input), dresidual = gradient_of(residual),
       linear_backward = LinearBackward(x, weight, bias, form.first)](Tensor<Scalar, Rank> dy) {
        kernels::for_each_range(gelu_input.size(), [&](Index begin, Index end) {
          kernels::gelu_backward(gelu_input.data() + begin, dy.data() + begin, dy.data() + begin,
                                 end - begin);
        });
        linear_backward(dy);
        dresidual.add(std::move(dy));
      },
      x, weight, bias, residual);
}

}  // namespace detail

/// x [..., K], weight [N, K] (further axes folded into K), bias [N] -> x weight^T + bias [..., N].
/// Throws std::invalid_argument where the shapes do not fit.
template <std::floating_point Scalar, int Rank, int WeightRank>
Var<Scalar, Rank> linear(const Var<Scalar, Rank>& x, const Var<Scalar, WeightRank>& weight,
                         const OptionalVar<Scalar, 1>& bias = std::nullopt) {
  detail::check_linear("linear", x, weight, bias);
  return detail::apply_linear<Scalar, Rank>("linear", x, weight, bias,
                                            {.first = 0, .count = weight.dim(0)});
}

/// Outputs [first, first + count) of linear alone: x [..., K] -> [..., count].
/// Throws std::invalid_argument where the shapes do not fit or the outputs do not exist.
template <std::floating_point Scalar, int Rank, int WeightRank>
Var<Scalar, Rank> linear_outputs(const Var<Scalar, Rank>& x, const Var<Scalar, WeightRank>& weight,
                                 const OptionalVar<Scalar, 1>& bias, Index first, Index count) {
  detail::check_linear("linear_outputs", x, weight, bias);
  if (first < 0 || count < 0 || count > weight.dim(0) - first) {
    refuse("linear_outputs", "first = ", first, " and count = ", count, " do not fit weight ",
           weight.shape());
  }
  return detail::apply_linear<Scalar, Rank>("linear_outputs", x, weight, bias,
                                            {.first = first, .count = count});
}

/// x [..., K], weight [N, K], bias [N] -> gelu(x weight^T + bias) [..., N], the two steps of
/// linear and gelu in one pass.
/// Throws std::invalid_argument where the shapes do not fit.
template <std::floating_point Scalar, int Rank, int WeightRank>
Var<Scalar, Rank> linear_gelu(const Var<Scalar, Rank>& x, const Var<Scalar, WeightRank>& weight,
                              const OptionalVar<Scalar, 1>& bias = std::nullopt) {
  detail::check_linear("linear_gelu", x, weight, bias);
  return detail::apply_linear<Scalar, Rank>("linear_gelu", x, weight, bias,
                                            {.first = 0, .count = weight.dim(0), .gelu = true});
}

/// x [..., K], weight [N, K], bias [N], residual [..., N] -> residual + x weight^T + bias [..., N].
/// Throws std::invalid_argument where the shapes do not fit.
template <std::floating_point Scalar, int Rank, int WeightRank>
Var<Scalar, Rank> linear_residual(const Var<Scalar, Rank>& x, const Var<Scalar, WeightRank>& weight,
                                  const OptionalVar<Scalar, 1>& bias,
                                  const Var<Scalar, Rank>& residual) {
  detail::check_linear("linear_residual", x, weight, bias);
  const Shape<Rank> shape = detail::with_last<Rank>(x.shape(), weight.dim(0));
  if (residual.shape() != shape) {
    refuse("linear_residual", "residual ", residual.shape(), " must have the shape of the result ",
           shape);
  }
  return detail::apply_linear<Scalar, Rank>(
      "linear_residual", x, weight, bias,
      {.first = 0, .count = weight.dim(0), .residual = &residual});
}

}  // namespace tessera
