#pragma once

#include <algorithm>

#include "tessera/core/memory.hpp"
#include "tessera/kernels/matrix_view.hpp"

// Work on many rows, some of them at a time.

namespace tessera::kernels {

/// Cuts [0, total) into pieces that begin at multiples of `unit` and, but for that, are even. None
/// is longer than `longest`, which `unit` must divide.
struct EvenPieces {
  Index total;
  Index count;
  Index unit;

  EvenPieces(Index all, Index longest, Index whole = 1)
      : total(all), count(std::max<Index>(1, (all + longest - 1) / longest)), unit(whole) {}
  Index begin(Index piece) const {
    const Index exact = piece * total / count;
    return std::min(total, (exact + unit - 1) / unit * unit);
  }
  Index size(Index piece) const { return begin(piece + 1) - begin(piece); }
};

/// Calls f(first, size) for every piece, in order, none of them empty.
template <class F>
void for_each_piece(const EvenPieces& pieces, const F& f) {
  for (Index i = 0; i < pieces.count; ++i) {
    if (pieces.size(i) > 0) f(pieces.begin(i), pieces.size(i));
  }
}

/// Scratch for some rows of a matrix between two products. The gap keeps rows from sharing cache
/// sets.
template <class Scalar>
class PieceMemory {
 public:
  PieceMemory(Index rows, Index cols) : cols_(cols), stride_(cols + 16) {
    memory_ = Buffer<Scalar>(static_cast<std::size_t>(rows * stride_));
  }
  MatrixView<Scalar> rows(Index count) { return {memory_.data(), count, cols_, stride_}; }

 private:
  Index cols_;
  Index stride_;
  Buffer<Scalar> memory_;
};

}  // namespace tessera::kernels
