#pragma once

#include "tessera/kernels/matmul/matmul.hpp"

namespace tessera::kernels {

/// A matrix [N, K] copied once into the order in which products x * matrix^T read it. A value that
/// never changes: whoever changes the original packs again. Takes the memory of the original, N
/// rounded up to whole panels of 32. Where the precision of the scope has hardware, it holds pairs
/// of bfloat16 with K rounded up to 32: in MatmulPrecision::medium half of that memory, in
/// MatmulPrecision::high all of it. Scalars without kernels of their own are copied as they are.
template <class Scalar>
class PackedMatrix {
 public:
  explicit PackedMatrix(MatrixView<const Scalar> matrix) : rows_(matrix.rows), cols_(matrix.cols) {
    if constexpr (has_kernels<Scalar>) {
      pack({matrix.data, cols_, rows_, matrix.stride, BLayout::n_by_k});
    } else {
      values_ = Buffer<Scalar>(static_cast<std::size_t>(rows_ * cols_));
      for (Index r = 0; r < rows_; ++r) {
        std::copy_n(matrix.row(r), cols_, values_.data() + r * cols_);
      }
    }
  }

  /// The transpose of `matrix` [K, N], packed: products x * matrix read it.
  static PackedMatrix of_transpose(MatrixView<const Scalar> matrix) {
    PackedMatrix packed(matrix.cols, matrix.rows);
    if constexpr (has_kernels<Scalar>) {
      packed.pack({matrix.data, matrix.rows, matrix.cols, matrix.stride, BLayout::k_by_n});
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
    return has_kernels<Scalar> ? panel_count(rows_) * panel_cols : rows_;
  }
  std::size_t bytes() const { return values_.size() * sizeof(Scalar); }

  /// The form in which products with it read their operands in the calling thread's scope.
  GemmInput input() const {
    if constexpr (has_kernels<Scalar>)
      return gemm_input({values_.data(), cols_, rows_, 0, layout_});
    return GemmInput::f32;
  }

  /// The stored values: panels, or the rows one after the other.
  const Scalar* data() const { return values_.data(); }
  BLayout layout() const { return layout_; }

 private:
  PackedMatrix(Index rows, Index cols) : rows_(rows), cols_(cols) {}

  void pack(const OperandB& original) {
    layout_ = pack_whole(original, gemm_input(), values_).layout;
  }

  Index rows_;
  Index cols_;
  BLayout layout_ = BLayout::n_by_k;
  Buffer<Scalar> values_;
};

namespace detail {

/// c (+)= a * (rows of b from `first` on)^T, then the epilogue, on kernels of our own.
template <class Scalar>
void multiply_packed(MatrixView<const Scalar> a, bool a_holds_pairs, const PackedMatrix<Scalar>& b,
                     MatrixView<Scalar> c, Accumulate accumulate, const Epilogue<Scalar>& epilogue,
                     Index first) {
  static_assert(has_kernels<Scalar>);
  OperandB panels{b.data(), b.cols(), c.cols, 0, b.layout(), first % panel_cols};
  const GemmInput held = panels.panel_input();
  panels.data =
      advanced(panels.data, first / panel_cols * step_count(b.cols(), held) * panel_step(held));
  multiply({.a = {a.data, a.stride, 1},
            .b = panels,
            .c = c,
            .accumulate = accumulate == Accumulate::yes,
            .epilogue = epilogue,
            .a_holds_pairs = a_holds_pairs});
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

/// Rows that are made one at a time and meet a packed matrix: each is brought into the form that
/// the product reads while it is still in cache. In float32 there is nothing to do; in bfloat16 the
/// row is rounded in place. The product has the bits of matmul_nt.
template <class Scalar>
class RowsFor {
 public:
  explicit RowsFor(const PackedMatrix<Scalar>& b) : b_(b), input_(b.input()) {}

  /// Row [padded] is complete: K values, then zeros up to `padded`, a multiple of 32.
  void complete([[maybe_unused]] Scalar* row, [[maybe_unused]] Index padded) const {
    if constexpr (has_kernels<Scalar>) {
      if (input_ == GemmInput::bf16) round_row_to_pairs(row, padded);
    }
  }

  /// c [M, N] (+)= a * b^T, where all rows of a [M, padded] are complete.
  void multiply(MatrixView<const Scalar> a, MatrixView<Scalar> c, Accumulate accumulate) const {
    const MatrixView<const Scalar> values = a.block(0, 0, a.rows, b_.cols());
    if constexpr (has_kernels<Scalar>) {
      const bool holds_pairs = input_ == GemmInput::bf16;
      detail::multiply_packed<Scalar>(values, holds_pairs, b_, c, accumulate, {}, 0);
    } else {
      matmul_nt<Scalar>(values, b_, c, accumulate);
    }
  }

 private:
  const PackedMatrix<Scalar>& b_;
  GemmInput input_;
};

}  // namespace tessera::kernels
