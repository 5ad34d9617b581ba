#pragma once

#include "tessera/kernels/partition.hpp"
#include "tessera/ops/gelu.hpp"
#include "tessera/ops/packed_linear.hpp"

namespace tessera {

namespace detail {

/// The tanh form in place. Products know the exact form alone.
template <std::floating_point Scalar>
void gelu_tanh_rows(kernels::MatrixView<Scalar> x) {
  parallel_ranges(x.rows, kernels::rows_per_cell(x.cols), [&](Index begin, Index end) {
    for (Index r = begin; r < end; ++r) kernels::gelu_tanh_forward(x.row(r), x.row(r), x.cols);
  });
}

}  // namespace detail

/// x [..., D], fc1 [H, D], fc2 [N, H] -> fc2(gelu(fc1(x))) [..., N], plus `residual` of that shape
/// if given: the bits of packed_linear twice. Some rows after the others, so that what is between
/// the layers stays in cache and is never whole. For inference alone. Throws std::invalid_argument
/// if x or residual carries a tape, or shapes do not fit.
template <std::floating_point Scalar, int Rank>
Var<Scalar, Rank> packed_mlp(const Var<Scalar, Rank>& x, const PackedLayer<Scalar>& fc1,
                             const PackedLayer<Scalar>& fc2,
                             const std::type_identity_t<Var<Scalar, Rank>>* residual = nullptr,
                             GeluApproximation approximation = GeluApproximation::none) {
  const Index outputs = fc2.weight.rows();
  const Index hidden = fc1.weight.rows();
  detail::check_packed("packed_mlp", x, fc1.weight);
  if (fc2.weight.cols() != hidden) {
    refuse("packed_mlp", "fc2 has ", fc2.weight.cols(), " inputs, but fc1 has ", hidden,
           " outputs");
  }
  const Shape<Rank> shape = detail::with_last<Rank>(x.shape(), outputs);
  if (residual && residual->shape() != shape) {
    refuse("packed_mlp", "residual ", residual->shape(), " must have the shape of the result ",
           shape);
  }
  if (residual && residual->tape()) refuse("packed_mlp", "residual carries a tape");
  auto y = Tensor<Scalar, Rank>::empty(shape);
  // Whole tiles of every kernel, and of Eigen's products, whose sums depend on them.
  constexpr Index unit = 256;
  const Index at_once = unit * current_threads();
  kernels::RowScratch<Scalar> memory(std::min(at_once, y.rows()), hidden);
  const bool exact = approximation == GeluApproximation::none;
  const kernels::Epilogue<Scalar> between{.bias = fc1.bias, .gelu = exact};
  const kernels::Epilogue<Scalar> last{.bias = fc2.bias,
                                       .residual = residual ? residual->value().data() : nullptr};
  kernels::for_each_part({y.rows(), at_once, unit}, [&](Index first, Index rows) {
    kernels::matmul_nt<Scalar>(kernels::view(x.value()).middle_rows(first, rows), fc1.weight,
                               memory.rows(rows), kernels::Accumulate::no, between);
    if (!exact) detail::gelu_tanh_rows(memory.rows(rows));
    kernels::matmul_nt<Scalar>(memory.rows(rows), fc2.weight,
                               kernels::view(y).middle_rows(first, rows), kernels::Accumulate::no,
                               last.block(first, 0, outputs));
  });
  return y;
}

}  // namespace tessera
