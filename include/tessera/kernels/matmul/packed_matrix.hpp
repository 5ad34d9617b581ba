#pragma once

#include "tessera/kernels/matmul/matmul.hpp"

namespace tessera::kernels {

/// A matrix [N, K] copied once into the order in which products x * matrix^T read it. A value that
/// never changes: whoever changes the original packs again. Takes the memory of the original, N
/// rounded up to whole panels of 32. Where the precision of the scope has hardware, it holds words
/// of bfloat16 with K rounded up to 32: in MatmulPrecision::medium half of that memory, in
/// MatmulPrecision::high all of it. Scalars without kernels of their own are copied as they are.
template <class Scalar>
class PackedMatrix {
 public:
  explicit PackedMatrix(MatrixView<const Scalar> matrix) : rows_(matrix.rows), cols_(matrix.cols) {
    if constexpr (has_kernels<Scalar>) {
      pack({matrix.data, cols_, rows_, matrix.stride, RightLayout::cols_by_depth});
    } else {
      values_ = Buffer<Scalar>(static_cast<std::size_t>(rows_ * cols_));
      for (Index r = 0; r < rows_; ++r)
        std::copy_n(matrix.row(r), cols_, values_.data() + r * cols_);
    }
  }

  /// The transpose of `matrix` [K, N], packed: products x * matrix read it.
  static PackedMatrix of_transpose(MatrixView<const Scalar> matrix) {
    PackedMatrix packed(matrix.cols, matrix.rows);
    if constexpr (has_kernels<Scalar>) {
      packed.pack(
          {matrix.data, matrix.rows, matrix.cols, matrix.stride, RightLayout::depth_by_cols});
    } else {
      packed.values_ = Buffer<Scalar>(static_cast<std::size_t>(matrix.rows * matrix.cols));
      MatrixView<Scalar>(packed.values_.data(), matrix.cols, matrix.rows).eigen() =
          matrix.eigen().transpose();
    }
    return packed;
  }

  Index rows() const { return rows_; }
  Index cols() const { return cols_; }
  /// Columns that a product may write: those beyond rows() are zero.
  Index padded_rows() const {
    return has_kernels<Scalar> ? (rows_ + panel_cols - 1) / panel_cols * panel_cols : rows_;
  }
  std::size_t bytes() const { return values_.size() * sizeof(Scalar); }

  /// Whether products with it read their other side as rounded words of two bfloat16.
  bool takes_words() const {
    if constexpr (has_kernels<Scalar>) {
      return input_form({values_.data(), cols_, rows_, 0, layout_, 0}) == InputForm::pairs;
    }
    return false;
  }

  /// What is stored: panels, or the rows one after the other.
  const Scalar* data() const { return values_.data(); }
  RightLayout layout() const { return layout_; }

 private:
  PackedMatrix(Index rows, Index cols) : rows_(rows), cols_(cols) {}

  void pack(const RightOperand& original) {
    layout_ = pack_whole(original, input_form(), values_).layout;
  }

  Index rows_;
  Index cols_;
  RightLayout layout_ = RightLayout::cols_by_depth;
  Buffer<Scalar> values_;
};

namespace detail {

/// c (+)= a * (rows of b from `first` on)^T, then the epilogue, on kernels of our own.
template <class Scalar>
void multiply_packed(MatrixView<const Scalar> a, bool a_holds_words, const PackedMatrix<Scalar>& b,
                     MatrixView<Scalar> c, Accumulate accumulate, const Epilogue<Scalar>& epilogue,
                     Index first) {
  RightOperand panels{b.data(), b.cols(), c.cols, 0, b.layout(), first % panel_cols};
  const InputForm form = panels.panel_form();
  panels.data =
      advanced(panels.data, first / panel_cols * step_count(b.cols(), form) * step_words(form));
  multiply({.a = {a.data, a.stride, 1},
            .b = panels,
            .c = c,
            .accumulate = accumulate == Accumulate::yes,
            .epilogue = epilogue,
            .a_holds_words = a_holds_words});
}

}  // namespace detail

/// c [M, N] (+)= a [M, K] * (rows [first, first + N) of b)^T, then the epilogue: the bits of
/// matmul_nt with the matrix that b was made of, in the precision of the scope b was made in.
template <class Scalar>
void matmul_nt(MatrixView<const Scalar> a, const PackedMatrix<Scalar>& b, MatrixView<Scalar> c,
               Accumulate accumulate = Accumulate::no, const Epilogue<Scalar>& epilogue = {},
               Index first = 0) {
  if constexpr (has_kernels<Scalar>) {
    detail::multiply_packed(a, false, b, c, accumulate, epilogue, first);
  } else {
    const MatrixView<const Scalar> all(b.data(), b.rows(), b.cols());
    matmul_nt(a, all.middle_rows(first, c.cols), c, accumulate, epilogue);
  }
}

/// c [M, N] (+)= a [M, K] * b [N, K]^T with b.takes_words(): the rows of a hold rounded words, as
/// round_to_words makes them, and zeros up to a multiple of 32 columns. The bits of matmul_nt.
template <class Scalar>
void matmul_nt_of_words(MatrixView<const Scalar> a, const PackedMatrix<Scalar>& b,
                        MatrixView<Scalar> c, Accumulate accumulate) {
  if constexpr (has_kernels<Scalar>) {
    detail::multiply_packed<Scalar>(a, true, b, c, accumulate, {}, 0);
  }
}

}  // namespace tessera::kernels
