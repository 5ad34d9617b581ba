#pragma once

#include <string_view>

#include "tessera/kernels/matmul/packed_matrix.hpp"
#include "tessera/ops/linear.hpp"

namespace tessera {

/// A packed weight [N, K] and its bias [N], if it has one.
template <std::floating_point Scalar>
struct PackedLayer {
  const kernels::PackedMatrix<Scalar>& weight;
  const Scalar* bias;
};

namespace detail {

template <std::floating_point Scalar, int Rank>
void check_packed(std::string_view op, const Var<Scalar, Rank>& x,
                  const kernels::PackedMatrix<Scalar>& weight) {
  if (x.tape() != nullptr) {
    refuse(
        op,
        "x carries a tape, but a packed weight cannot be trained; train the model it was made of");
  }
  if (x.value().cols() != weight.cols()) {
    refuse(op, "x ", x.shape(), " must end in the ", weight.cols(), " inputs of the packed weight ",
           Shape<2>{weight.rows(), weight.cols()});
  }
}

}  // namespace detail

/// x [..., K], packed weight [N, K] -> rows [first, first + count) of it applied to x, then the
/// epilogue [..., count]: the bits of linear, linear_gelu and linear_residual. For inference alone.
/// Throws std::invalid_argument if x carries a tape, does not fit, or the rows do not exist.
template <std::floating_point Scalar, int Rank>
Var<Scalar, Rank> packed_linear(const Var<Scalar, Rank>& x,
                                const kernels::PackedMatrix<Scalar>& weight,
                                const kernels::Epilogue<Scalar>& epilogue, Index first,
                                Index count) {
  detail::check_packed("packed_linear", x, weight);
  if (first < 0 || count < 0 || count > weight.rows() - first) {
    refuse("packed_linear", "first = ", first, " and count = ", count,
           " do not fit the packed weight ", Shape<2>{weight.rows(), weight.cols()});
  }
  auto y = Tensor<Scalar, Rank>::empty(detail::with_last<Rank>(x.shape(), count));
  kernels::matmul_nt<Scalar>(kernels::view(x.value()), weight, kernels::view(y),
                             kernels::Accumulate::no, epilogue, first);
  return y;
}

}  // namespace tessera
