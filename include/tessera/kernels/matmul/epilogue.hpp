#pragma once

#include "tessera/kernels/gelu.hpp"
#include "tessera/kernels/matrix_view.hpp"

namespace tessera::kernels {

/// Epilogue of a product: the work on a tile of C while it is still in cache.
/// c += bias; then, with `gelu`, c = gelu(c), the input of gelu kept in `gelu_input` if given; then
/// c += residual. The matrices are contiguous, as c must be when they are used.
template <class Scalar>
struct Epilogue {
  const Scalar* bias = nullptr;  ///< [N]
  bool gelu = false;
  Scalar* gelu_input = nullptr;      ///< [M, N]
  const Scalar* residual = nullptr;  ///< [M, N]

  bool empty() const { return !bias && !gelu && !gelu_input && !residual; }

  /// The epilogue of a block of c that begins at (row, col); `stride` is c's.
  [[gnu::always_inline]] Epilogue block(Index row, Index col, Index stride) const {
    return {advanced(bias, col), gelu, advanced(gelu_input, row * stride + col),
            advanced(residual, row * stride + col)};
  }
};

namespace detail {

struct ApplyToRows {
  template <class Vector, class Scalar>
  [[gnu::always_inline]] static void run(const Epilogue<Scalar>* epilogue, const Scalar* sums,
                                         Index sums_stride, Scalar* c, Index c_stride, Index rows,
                                         Index cols) {
    const Epilogue<Scalar> all = *epilogue;
    for (Index r = 0; r < rows; ++r) {
      const Epilogue<Scalar> of_row = all.block(r, 0, c_stride);
      each_vector<Vector>(
          0, cols,
          [=](const Vector& sum, const Vector& bias, const Vector& residual, Vector& gelu_input,
              Vector& result) __attribute__((always_inline)) {
            result = sum;
            if (of_row.bias) result += bias;
            gelu_input = result;
            if (of_row.gelu) gelu(gelu_input, result);
            if (of_row.residual) result += residual;
          },
          sums + r * sums_stride, optional(of_row.bias, Scalar(0)),
          optional(of_row.residual, Scalar(0)), optional(written(of_row.gelu_input), Scalar(0)),
          written(c + r * c_stride));
    }
  }
};

}  // namespace detail

/// Overwrites c, or a block of it, with what its epilogue makes of `sums`, which may be c.
template <class Scalar>
void apply(const Epilogue<Scalar>& epilogue, MatrixView<const Scalar> sums, MatrixView<Scalar> c) {
  run_vectorized<detail::ApplyToRows, Scalar>(&epilogue, sums.data, sums.stride, c.data, c.stride,
                                              c.rows, c.cols);
}

}  // namespace tessera::kernels
