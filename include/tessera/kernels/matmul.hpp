#pragma once

#include "tessera/core/parallel.hpp"
#include "tessera/kernels/gelu.hpp"
#include "tessera/kernels/matrix_view.hpp"

namespace tessera::kernels {

enum class Accumulate : bool { no, yes };

/// What happens to a product's tile while it is still in cache:
/// c += bias; then, with `gelu`, c = gelu(c), the input of gelu kept in `gelu_input` if given; then
/// c += residual. The matrices are contiguous, as c must be when they are used.
template <class Scalar>
struct Epilogue {
  const Scalar* bias = nullptr;      ///< [N]
  bool gelu = false;
  Scalar* gelu_input = nullptr;      ///< [M, N]
  const Scalar* residual = nullptr;  ///< [M, N]
};

namespace detail {

// Output tiles of a product. Their size depends on nothing but this line, so a product has the
// same bits on any number of threads; 384 columns are whole register tiles of every kernel.
inline constexpr Index tile_rows = 256;
inline constexpr Index tile_cols = 384;

template <class Tile>
void for_each_tile(Index rows, Index cols, const Tile& tile) {
  const Index across = (cols + tile_cols - 1) / tile_cols;
  const Index down = (rows + tile_rows - 1) / tile_rows;
  parallel_for(across * down, [&](Index cell) {
    const Index row = cell / across * tile_rows;
    const Index col = cell % across * tile_cols;
    tile(row, col, std::min(tile_rows, rows - row), std::min(tile_cols, cols - col));
  });
}

template <class Scalar>
void apply(const Epilogue<Scalar>& epilogue, MatrixView<Scalar> c, Index row, Index col,
           Index rows, Index cols) {
  for (Index r = row; r < row + rows; ++r) {
    Scalar* out = c.row(r) + col;
    if (epilogue.bias) {
      for (Index i = 0; i < cols; ++i) out[i] += epilogue.bias[col + i];
    }
    if (epilogue.gelu_input) std::copy_n(out, cols, epilogue.gelu_input + r * c.cols + col);
    if (epilogue.gelu) gelu_forward(out, out, cols);
    if (epilogue.residual) {
      const Scalar* residual = epilogue.residual + r * c.cols + col;
      for (Index i = 0; i < cols; ++i) out[i] += residual[i];
    }
  }
}

}  // namespace detail

/// c [M, N] (+)= a [M, K] * b [K, N].
template <class Scalar>
void matmul_nn(MatrixView<const Scalar> a, MatrixView<const Scalar> b, MatrixView<Scalar> c,
               Accumulate accumulate = Accumulate::no) {
  detail::for_each_tile(c.rows, c.cols, [&](Index row, Index col, Index rows, Index cols) {
    auto out = c.block(row, col, rows, cols).eigen();
    const auto left = a.middle_rows(row, rows).eigen();
    const auto right = b.block(0, col, b.rows, cols).eigen();
    if (accumulate == Accumulate::yes) {
      out.noalias() += left * right;
    } else {
      out.noalias() = left * right;
    }
  });
}

/// c [M, N] (+)= a [M, K] * b [N, K]^T, then the epilogue.
template <class Scalar>
void matmul_nt(MatrixView<const Scalar> a, MatrixView<const Scalar> b, MatrixView<Scalar> c,
               Accumulate accumulate = Accumulate::no, const Epilogue<Scalar>& epilogue = {}) {
  detail::for_each_tile(c.rows, c.cols, [&](Index row, Index col, Index rows, Index cols) {
    auto out = c.block(row, col, rows, cols).eigen();
    const auto left = a.middle_rows(row, rows).eigen();
    const auto right = b.middle_rows(col, cols).eigen();
    if (accumulate == Accumulate::yes) {
      out.noalias() += left * right.transpose();
    } else {
      out.noalias() = left * right.transpose();
    }
    detail::apply(epilogue, c, row, col, rows, cols);
  });
}

/// c [M, N] (+)= a [K, M]^T * b [K, N].
template <class Scalar>
void matmul_tn(MatrixView<const Scalar> a, MatrixView<const Scalar> b, MatrixView<Scalar> c,
               Accumulate accumulate = Accumulate::no) {
  detail::for_each_tile(c.rows, c.cols, [&](Index row, Index col, Index rows, Index cols) {
    auto out = c.block(row, col, rows, cols).eigen();
    const auto left = a.block(0, row, a.rows, rows).eigen();
    const auto right = b.block(0, col, b.rows, cols).eigen();
    if (accumulate == Accumulate::yes) {
      out.noalias() += left.transpose() * right;
    } else {
      out.noalias() = left.transpose() * right;
    }
  });
}

}  // namespace tessera::kernels
