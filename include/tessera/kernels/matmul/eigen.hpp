#pragma once

#include "tessera/core/threads/parallel.hpp"
#include "tessera/kernels/matmul/epilogue.hpp"
#include "tessera/kernels/matrix_view.hpp"

// Products of every Scalar on every processor that has no kernels of its own.

namespace tessera::kernels::detail {

// The cells of C that threads share out. Their size depends on nothing but these lines, so a
// product has the same bits on any number of threads. One is enough work for Eigen's own blocking:
// 256 x 384 doubles are 768 KiB.
inline constexpr Index eigen_cell_rows = 256;
inline constexpr Index eigen_cell_cols = 384;

/// c (+)= rows_of_a(row, rows) * cols_of_b(col, cols) cell by cell, then the epilogue.
template <class Scalar, class RowsOfA, class ColsOfB>
void eigen_product(MatrixView<Scalar> c, bool accumulate, const Epilogue<Scalar>& epilogue,
                   const RowsOfA& rows_of_a, const ColsOfB& cols_of_b) {
  const Index across = (c.cols + eigen_cell_cols - 1) / eigen_cell_cols;
  const Index down = (c.rows + eigen_cell_rows - 1) / eigen_cell_rows;
  parallel_for(across * down, [&](Index cell) {
    const Index row = cell / across * eigen_cell_rows;
    const Index col = cell % across * eigen_cell_cols;
    const Index rows = std::min(eigen_cell_rows, c.rows - row);
    const Index cols = std::min(eigen_cell_cols, c.cols - col);
    const MatrixView<Scalar> part = c.block(row, col, rows, cols);
    auto out = part.eigen();
    if (accumulate) {
      out.noalias() += rows_of_a(row, rows) * cols_of_b(col, cols);
    } else {
      out.noalias() = rows_of_a(row, rows) * cols_of_b(col, cols);
    }
    if (!epilogue.empty()) apply<Scalar>(epilogue.block(row, col, c.stride), part, part);
  });
}

}  // namespace tessera::kernels::detail
