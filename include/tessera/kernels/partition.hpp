#pragma once

#include <algorithm>

#include "tessera/core/memory.hpp"
#include "tessera/kernels/matrix_view.hpp"

// Work on many rows, some of them at a time.

namespace tessera::kernels {

/// Cuts [0, total) into parts that begin at multiples of `unit` and, but for that, are even. None
/// is longer than `longest`, which `unit` must divide.
struct EvenPartition {
  Index total;
  Index count;  ///< of parts
  Index unit;

  EvenPartition(Index all, Index longest, Index part_unit = 1)
      : total(all), count(std::max<Index>(1, (all + longest - 1) / longest)), unit(part_unit) {}
  Index begin(Index part) const {
    const Index exact = part * total / count;
    return std::min(total, (exact + unit - 1) / unit * unit);
  }
  Index size(Index part) const { return begin(part + 1) - begin(part); }
};

/// Calls f(first, size) for every part, in order, none of them empty.
template <class F>
void for_each_part(const EvenPartition& partition, const F& f) {
  for (Index i = 0; i < partition.count; ++i) {
    if (partition.size(i) > 0) f(partition.begin(i), partition.size(i));
  }
}

/// Scratch for some rows of a matrix between two products. The gap keeps rows from sharing cache
/// sets.
template <class Scalar>
class RowScratch {
 public:
  RowScratch(Index rows, Index cols) : cols_(cols), stride_(cols + cache_set_gap) {
    memory_ = Buffer<Scalar>(static_cast<std::size_t>(rows * stride_));
  }
  MatrixView<Scalar> rows(Index count) { return {memory_.data(), count, cols_, stride_}; }

 private:
  Index cols_;
  Index stride_;
  Buffer<Scalar> memory_;
};

}  // namespace tessera::kernels
