#pragma once

#include <algorithm>

#include "tessera/core/threads/parallel.hpp"
#include "tessera/kernels/arithmetic.hpp"
#include "tessera/kernels/matrix_view.hpp"

namespace tessera::kernels {

inline constexpr Index elements_per_cell = Index{1} << 15;  // 128 KiB of float: half an L2

/// Rows that make one cell of a row-wise loop.
inline Index rows_per_cell(Index cols) {
  return std::max<Index>(1, elements_per_cell / std::max<Index>(1, cols));
}

/// out[i] = in[index(i)]: rows of `cols` elements.
template <class Scalar, class RowOf>
void copy_rows(const Scalar* in, Scalar* out, Index count, Index cols, const RowOf& row_of) {
  parallel_ranges(count, rows_per_cell(cols), [&](Index begin, Index end) {
    for (Index i = begin; i < end; ++i) {
      std::copy_n(in + row_of(i) * cols, cols, out + i * cols);
    }
  });
}

/// sums[c] = sum over r of x(r, c), rows in order, so that no thread count changes a bit.
template <class Scalar>
void column_sums(MatrixView<const Scalar> x, Scalar* sums) {
  constexpr Index cols_per_cell = 256;
  parallel_ranges(x.cols, cols_per_cell, [&](Index begin, Index end) {
    std::fill(sums + begin, sums + end, Scalar{});
    for (Index r = 0; r < x.rows; ++r) {
      add<Scalar>(sums + begin, x.row(r) + begin, sums + begin, end - begin);
    }
  });
}

/// Calls f(begin, end) over pieces of a flat array.
template <class F>
void for_each_range(Index count, const F& f) {
  parallel_ranges(count, elements_per_cell, f);
}

}  // namespace tessera::kernels
