#pragma once

#include <type_traits>

#include "tessera/kernels/matmul/blocked.hpp"
#include "tessera/kernels/matmul/eigen.hpp"

namespace tessera::kernels {

enum class Accumulate : bool { no, yes };

/// c [M, N] (+)= a [M, K] * b [K, N].
template <class Scalar>
void matmul_nn(MatrixView<const Scalar> a, MatrixView<const Scalar> b, MatrixView<Scalar> c,
               Accumulate accumulate = Accumulate::no) {
  if constexpr (has_kernels<Scalar>) {
    multiply({.a = {a.data, a.stride, 1},
              .b = {b.data, b.rows, b.cols, b.stride, BLayout::k_by_n},
              .c = c,
              .accumulate = accumulate == Accumulate::yes});
  } else {
    detail::eigen_product<Scalar>(
        c, accumulate == Accumulate::yes, {},
        [&](Index row, Index rows) { return a.middle_rows(row, rows).eigen(); },
        [&](Index col, Index cols) { return b.block(0, col, b.rows, cols).eigen(); });
  }
}

/// c [M, N] (+)= a [M, K] * b [N, K]^T, then the epilogue.
template <class Scalar>
void matmul_nt(MatrixView<const Scalar> a, MatrixView<const Scalar> b, MatrixView<Scalar> c,
               Accumulate accumulate = Accumulate::no, const Epilogue<Scalar>& epilogue = {}) {
  if constexpr (has_kernels<Scalar>) {
    multiply({.a = {a.data, a.stride, 1},
              .b = {b.data, b.cols, b.rows, b.stride, BLayout::n_by_k},
              .c = c,
              .accumulate = accumulate == Accumulate::yes,
              .epilogue = epilogue});
  } else {
    detail::eigen_product<Scalar>(
        c, accumulate == Accumulate::yes, epilogue,
        [&](Index row, Index rows) { return a.middle_rows(row, rows).eigen(); },
        [&](Index col, Index cols) { return b.middle_rows(col, cols).eigen().transpose(); });
  }
}

/// c [M, N] (+)= a [K, M]^T * b [K, N].
template <class Scalar>
void matmul_tn(MatrixView<const Scalar> a, MatrixView<const Scalar> b, MatrixView<Scalar> c,
               Accumulate accumulate = Accumulate::no) {
  if constexpr (has_kernels<Scalar>) {
    multiply({.a = {a.data, 1, a.stride},
              .b = {b.data, b.rows, b.cols, b.stride, BLayout::k_by_n},
              .c = c,
              .accumulate = accumulate == Accumulate::yes});
  } else {
    detail::eigen_product<Scalar>(
        c, accumulate == Accumulate::yes, {},
        [&](Index row, Index rows) { return a.block(0, row, a.rows, rows).eigen().transpose(); },
        [&](Index col, Index cols) { return b.block(0, col, b.rows, cols).eigen(); });
  }
}

}  // namespace tessera::kernels
