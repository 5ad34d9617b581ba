#pragma once

#include <algorithm>
#include <array>
#include <type_traits>

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

namespace detail {

inline constexpr Index columns_per_sum = 256;  // of one cell: a kilobyte of sums on each level
inline constexpr Index rows_in_order = 32;

/// sums[c] = sum over the rows of x, which has at most 256 columns: up to 32 rows in order, more of
/// them as the sum of two halves.
template <class Scalar>
void pairwise_sums(MatrixView<const Scalar> x, Scalar* sums) {
  if (x.rows <= rows_in_order) {
    std::fill_n(sums, x.cols, Scalar{});
    for (Index r = 0; r < x.rows; ++r) add<Scalar>(sums, x.row(r), sums, x.cols);
    return;
  }
  const Index upper = (x.rows / 2 + rows_in_order - 1) / rows_in_order * rows_in_order;
  std::array<Scalar, columns_per_sum> lower_sums;
  pairwise_sums(x.middle_rows(0, upper), sums);
  pairwise_sums(x.middle_rows(upper, x.rows - upper), lower_sums.data());
  add<Scalar>(sums, lower_sums.data(), sums, x.cols);
}

}  // namespace detail

/// sums[c] = sum over r of x(r, c), overwritten. Pairwise, so that the error is at most
/// (32 + log2(rows / 32)) units of the last place of the sum of |x(r, c)|: Higham, "The accuracy of
/// floating point summation", 1993. No thread count changes a bit.
template <class Scalar>
void column_sums(MatrixView<const Scalar> x, Scalar* sums) {
  parallel_ranges(x.cols, detail::columns_per_sum, [&](Index begin, Index end) {
    detail::pairwise_sums<Scalar>(x.block(0, begin, x.rows, end - begin), sums + begin);
  });
}

/// The type that long sums over values of Scalar are made in: of n values in order, the error is
/// then at most n 2^-53 of the sum of their sizes.
template <class Scalar>
using SumOf = std::common_type_t<Scalar, double>;

/// Calls f(begin, end) over pieces of a flat array.
template <class F>
void for_each_range(Index count, const F& f) {
  parallel_ranges(count, elements_per_cell, f);
}

}  // namespace tessera::kernels
