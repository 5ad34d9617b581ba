#pragma once

#include "tessera/kernels/matmul.hpp"

namespace tessera::kernels {

/// A matrix [N, K] copied once into the order in which products x * matrix^T read it. A value that
/// never changes: whoever changes the original packs again. Takes the memory of the original, N
/// rounded up to whole panels of 32; packed in a scope of MatmulPrecision::medium on hardware that
/// has bfloat16, half of that. Scalars without kernels of their own are copied as they are.
template <class Scalar>
class PackedMatrix {
 public:
  explicit PackedMatrix(MatrixView<const Scalar> matrix) : rows_(matrix.rows), cols_(matrix.cols) {
    if constexpr (has_kernels<Scalar>) {
      pack_panels(matrix.data, matrix.stride, pack_pairs_transposed, pack_panel_transposed,
                  matrix.stride);
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
      packed.pack_panels(matrix.data, matrix.stride, pack_pairs, pack_panel, 1);
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

  /// What is stored: panels, or the rows one after the other.
  const Scalar* data() const { return values_.data(); }
  RightLayout layout() const { return layout_; }

 private:
  PackedMatrix(Index rows, Index cols) : rows_(rows), cols_(cols) {}

  /// Row r begins at data + r * distance.
  template <class Pack>
  void pack_panels(const Scalar* data, Index stride, const Pack& pack_of_pairs, const Pack& pack,
                   Index distance) {
    const bool pairs = multiplies_pairs();
    layout_ = pairs ? RightLayout::pair_panels : RightLayout::panels;
    const Index steps = pairs ? pair_count(cols_) : cols_;
    const Index panels = panel_count(rows_);
    values_ = Buffer<Scalar>(static_cast<std::size_t>(panels * panel_cols * steps));
    parallel_for(panels, [&](Index panel) {
      const Index row = panel * panel_cols;
      (pairs ? pack_of_pairs : pack)(data + row * distance, stride, cols_,
                                     std::min(panel_cols, rows_ - row),
                                     values_.data() + row * steps);
    });
  }

  Index rows_;
  Index cols_;
  RightLayout layout_ = RightLayout::cols_by_depth;
  Buffer<Scalar> values_;
};

/// c [M, N] (+)= a [M, K] * (rows [first, first + N) of b)^T, then the epilogue: the bits of
/// matmul_nt with the matrix that b was made of, in the precision of the scope b was made in.
template <class Scalar>
void matmul_nt(MatrixView<const Scalar> a, const PackedMatrix<Scalar>& b, MatrixView<Scalar> c,
               Accumulate accumulate = Accumulate::no, const Epilogue<Scalar>& epilogue = {},
               Index first = 0) {
  if constexpr (has_kernels<Scalar>) {
    const Index skip = first % panel_cols;
    const Index steps = b.layout() == RightLayout::pair_panels ? pair_count(b.cols()) : b.cols();
    multiply(
        {.a = {a.data, a.stride, 1},
         .b = {advanced(b.data(), (first - skip) * steps), b.cols(), c.cols, 0, b.layout(), skip},
         .c = c,
         .accumulate = accumulate == Accumulate::yes,
         .epilogue = epilogue});
  } else {
    const MatrixView<const Scalar> all(b.data(), b.rows(), b.cols());
    matmul_nt(a, all.middle_rows(first, c.cols), c, accumulate, epilogue);
  }
}

}  // namespace tessera::kernels
