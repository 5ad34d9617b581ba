#pragma once

#include "tessera/core/threads/parallel.hpp"
#include "tessera/kernels/matmul/epilogue.hpp"
#include "tessera/kernels/matrix_view.hpp"

// Products of every Scalar on every processor that has no kernels of its own.

namespace tessera::kernels::detail {

// Output tiles of a product. Their size depends on nothing but this line, so a product has the
// same bits on any number of threads.
inline constexpr Index eigen_tile_rows = 256;
inline constexpr Index eigen_tile_cols = 384;

/// c (+)= left(row, rows) * right(col, cols) tile by tile, then the epilogue.
template <class Scalar, class Left, class Right>
void eigen_product(MatrixView<Scalar> c, bool accumulate, const Epilogue<Scalar>& epilogue,
                   const Left& left, const Right& right) {
  const Index across = (c.cols + eigen_tile_cols - 1) / eigen_tile_cols;
  const Index down = (c.rows + eigen_tile_rows - 1) / eigen_tile_rows;
  parallel_for(across * down, [&](Index cell) {
    const Index row = cell / across * eigen_tile_rows;
    const Index col = cell % across * eigen_tile_cols;
    const Index rows = std::min(eigen_tile_rows, c.rows - row);
    const Index cols = std::min(eigen_tile_cols, c.cols - col);
    const MatrixView<Scalar> tile = c.block(row, col, rows, cols);
    auto out = tile.eigen();
    if (accumulate) {
      out.noalias() += left(row, rows) * right(col, cols);
    } else {
      out.noalias() = left(row, rows) * right(col, cols);
    }
    if (!epilogue.empty()) apply<Scalar>(epilogue.block(row, col, c.stride), tile, tile);
  });
}

}  // namespace tessera::kernels::detail
