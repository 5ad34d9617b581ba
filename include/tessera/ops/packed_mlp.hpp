#pragma once

#include "tessera/kernels/pieces.hpp"
#include "tessera/ops/packed_linear.hpp"

namespace tessera {

/// x [..., D] -> fc2(gelu(fc1(x))) [..., N], plus `residual` if given: the bits of packed_linear
/// twice. Some rows after the others, so that what is between the layers stays in cache and is
/// never whole. For inference alone.
/// Throws std::invalid_argument if x carries a tape or shapes do not fit.
template <std::floating_point Scalar, int Rank>
Var<Scalar, Rank> packed_mlp(const Var<Scalar, Rank>& x, const PackedLayer<Scalar>& fc1,
                             const PackedLayer<Scalar>& fc2,
                             const Var<Scalar, Rank>* residual = nullptr) {
  const Index outputs = fc2.weight.rows();
  const Index hidden = fc1.weight.rows();
  detail::check_packed("packed_mlp", x, fc1.weight);
  require(fc2.weight.cols() == hidden, "packed_mlp", "fc2 has ", fc2.weight.cols(),
          " inputs, but fc1 has ", hidden, " outputs");
  const Shape<Rank> shape = detail::with_last<Rank>(x.shape(), outputs);
  require(!residual || residual->shape() == shape, "packed_mlp", "residual ",
          residual ? residual->shape() : shape, " must have the shape of the result ", shape);
  auto y = Tensor<Scalar, Rank>::empty(shape);
  // Eigen's sums depend on the number of rows.
  const Index rows_at_once = kernels::has_kernels<Scalar> ? 256 : std::max<Index>(1, y.rows());
  kernels::PieceMemory<Scalar> memory(std::min(rows_at_once, y.rows()), hidden);
  const kernels::Epilogue<Scalar> between{.bias = fc1.bias, .gelu = true};
  const kernels::Epilogue<Scalar> last{.bias = fc2.bias,
                                       .residual = residual ? residual->value().data() : nullptr};
  kernels::for_each_piece(y.rows(), rows_at_once, [&](Index first, Index rows) {
    kernels::matmul_nt<Scalar>(kernels::view(x.value()).middle_rows(first, rows), fc1.weight,
                               memory.rows(rows), kernels::Accumulate::no, between);
    kernels::matmul_nt<Scalar>(memory.rows(rows), fc2.weight,
                               kernels::view(y).middle_rows(first, rows), kernels::Accumulate::no,
                               last.block(first, 0, outputs));
  });
  return y;
}

}  // namespace tessera
