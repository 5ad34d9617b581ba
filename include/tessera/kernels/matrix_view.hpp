#pragma once

#include <type_traits>
#include <utility>

#include "tessera/core/tensor.hpp"

namespace tessera::kernels {

/// pointer + count; an empty tensor's null pointer stays null, for it may not be moved.
template <class T>
T* advanced(T* pointer, Index count) {
  return pointer ? pointer + count : pointer;
}

/// True if rows so far apart share cache sets: at a multiple of 4 KiB they share a few sets of
/// every cache, and a column of them does not stay in any.
inline bool shares_cache_sets(Index stride) {
  constexpr Index distance = 4096 / sizeof(float);
  return stride % distance == 0;
}

/// Elements between rows that would share cache sets otherwise: one cache line.
inline constexpr Index cache_set_gap = 16;

/// Row-major matrix somewhere in memory; `stride` elements lie between the starts of two rows.
template <class T>
struct MatrixView {
  T* data;
  Index rows;
  Index cols;
  Index stride;

  MatrixView(T* pointer, Index row_count, Index col_count, Index row_stride)
      : data(pointer), rows(row_count), cols(col_count), stride(row_stride) {}
  MatrixView(T* pointer, Index row_count, Index col_count)
      : MatrixView(pointer, row_count, col_count, col_count) {}

  /// Views of mutable memory read as views of constant memory.
  template <class U>
    requires(std::is_same_v<const U, T> && !std::is_same_v<U, T>)
  MatrixView(const MatrixView<U>& other)
      : MatrixView(other.data, other.rows, other.cols, other.stride) {}

  MatrixView block(Index row, Index col, Index row_count, Index col_count) const {
    return {advanced(data, row * stride + col), row_count, col_count, stride};
  }
  MatrixView middle_rows(Index row, Index count) const { return block(row, 0, count, cols); }

  T* row(Index r) const { return data + r * stride; }

  /// This memory as a matrix of Eigen's.
  auto eigen() const {
    using Matrix = RowMajorMatrix<std::remove_const_t<T>>;
    using Mapped = std::conditional_t<std::is_const_v<T>, const Matrix, Matrix>;
    return Eigen::Map<Mapped, Eigen::Unaligned, Eigen::OuterStride<>>(data, rows, cols,
                                                                      Eigen::OuterStride<>(stride));
  }
};

/// A tensor as [rows, cols] with the leading axes folded.
template <class Scalar, int Rank>
MatrixView<const Scalar> view(const Tensor<Scalar, Rank>& tensor) {
  return {tensor.data(), tensor.rows(), tensor.cols()};
}
template <class Scalar, int Rank>
MatrixView<Scalar> view(Tensor<Scalar, Rank>& tensor) {
  return {tensor.data(), tensor.rows(), tensor.cols()};
}

/// A weight as [out, in]: the first axis against all others folded, so that a [D, C, p, p]
/// convolution kernel is a matrix.
template <class Scalar, int Rank>
MatrixView<const Scalar> weight_view(const Tensor<Scalar, Rank>& weight) {
  Index inputs = 1;
  for (int axis = 1; axis < Rank; ++axis) inputs *= weight.dim(axis);
  return {weight.data(), weight.dim(0), inputs};
}
template <class Scalar, int Rank>
MatrixView<Scalar> weight_view(Tensor<Scalar, Rank>& weight) {
  const MatrixView<const Scalar> constant = weight_view(std::as_const(weight));
  return {weight.data(), constant.rows, constant.cols};
}

}  // namespace tessera::kernels
