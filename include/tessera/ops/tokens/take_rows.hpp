#pragma once

#include <algorithm>
#include <iterator>
#include <span>
#include <string_view>
#include <utility>

#include "tessera/autograd/record.hpp"
#include "tessera/kernels/rows.hpp"

namespace tessera {

namespace detail {

/// The rows that receive more than 32 others are summed in double; this says where. `slot` of a row
/// is its place among them, -1 for the others.
struct LongSums {
  CachedVector<Index> slot;
  CachedVector<Index> rows;

  LongSums(const CachedVector<Index>& source, Index targets) {
    constexpr Index most_in_order = 32;
    slot.assign(static_cast<std::size_t>(targets), 0);
    for (const Index row : source) {
      if (row >= 0) ++slot[static_cast<std::size_t>(row)];
    }
    for (Index row = 0; row < targets; ++row) {
      Index& of_row = slot[static_cast<std::size_t>(row)];
      const bool many = of_row > most_in_order;
      of_row = many ? std::ssize(rows) : -1;
      if (many) rows.push_back(row);
    }
  }
};

/// out.row(source[i]) += in.row(i) for all i, out [targets, cols]; source[i] < 0 is skipped. At
/// most 32 rows are added in Scalar, more of them in double. Columns side by side, rows in order,
/// so that duplicates accumulate to the same bits on any number of threads.
template <std::floating_point Scalar>
void scatter_add_rows(const Scalar* in, Scalar* out, const CachedVector<Index>& source,
                      Index targets, Index cols) {
  using Sum = kernels::SumOf<Scalar>;
  constexpr Index cols_per_cell = 64;
  const LongSums long_sums(source, targets);
  parallel_ranges(cols, cols_per_cell, [&](Index begin, Index end) {
    Buffer<Sum> sums(long_sums.rows.size() * static_cast<std::size_t>(cols_per_cell));
    std::fill_n(sums.data(), sums.size(), Sum{});
    for (std::size_t i = 0; i < source.size(); ++i) {
      if (source[i] < 0) continue;
      const Scalar* from = in + static_cast<Index>(i) * cols;
      const Index slot = long_sums.slot[static_cast<std::size_t>(source[i])];
      if (slot < 0) {
        Scalar* to = out + source[i] * cols;
        for (Index c = begin; c < end; ++c) to[c] += from[c];
      } else {
        Sum* to = sums.data() + slot * cols_per_cell;
        for (Index c = begin; c < end; ++c) to[c - begin] += static_cast<Sum>(from[c]);
      }
    }
    for (Index slot = 0; slot < std::ssize(long_sums.rows); ++slot) {
      Scalar* to = out + long_sums.rows[static_cast<std::size_t>(slot)] * cols;
      const Sum* from = sums.data() + slot * cols_per_cell;
      for (Index c = begin; c < end; ++c) to[c] += static_cast<Scalar>(from[c - begin]);
    }
  });
}

/// x as rows of its last axis, source [R] -> out.row(i) = x.row(source[i]), in `shape`. Every op
/// that only moves, copies or drops rows is a call of it; gradients of duplicates accumulate.
/// The caller has checked `source` and `shape`.
template <std::floating_point Scalar, int Rank, std::size_t OutRank>
Var<Scalar, static_cast<int>(OutRank)> take_rows(std::string_view op, const Var<Scalar, Rank>& x,
                                                 CachedVector<Index> source,
                                                 const std::array<Index, OutRank>& shape) {
  constexpr int out_rank = static_cast<int>(OutRank);
  auto out = Tensor<Scalar, out_rank>::empty(shape);
  kernels::copy_rows(x.value().data(), out.data(), static_cast<Index>(source.size()),
                     x.value().cols(),
                     [&](Index i) { return source[static_cast<std::size_t>(i)]; });
  return record(
      op, std::move(out),
      [dx = x.gradient(), source = std::move(source)](const Tensor<Scalar, out_rank>& dout) {
        Tensor<Scalar, Rank> result(dx.shape());
        scatter_add_rows(dout.data(), result.data(), source, result.rows(), result.cols());
        dx.add(std::move(result));
      },
      x);
}

}  // namespace detail

/// x [N, D], rows [K] -> out[k] = x[rows[k]] [K, D]. Duplicates are allowed; their gradients add
/// up. Throws std::invalid_argument if a row is outside [0, N).
template <std::floating_point Scalar>
Var<Scalar, 2> gather_rows(const Var<Scalar, 2>& x, std::span<const Index> rows) {
  for (std::size_t k = 0; k < rows.size(); ++k) {
    if (rows[k] < 0 || rows[k] >= x.dim(0)) {
      refuse("gather_rows", "rows[", k, "] = ", rows[k], " is not in x ", x.shape());
    }
  }
  return detail::take_rows("gather_rows", x, CachedVector<Index>(rows.begin(), rows.end()),
                           Shape<2>{std::ssize(rows), x.dim(1)});
}

}  // namespace tessera
