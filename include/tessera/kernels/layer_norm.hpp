#pragma once

#include <algorithm>
#include <cmath>

#include "tessera/core/memory.hpp"
#include "tessera/kernels/rows.hpp"
#include "tessera/kernels/simd/elementwise.hpp"

// Layer normalization of rows: forward overwrites y, mean and rstd, backward overwrites dx, dgamma
// and dbeta; nothing is accumulated into. Ba et al., "Layer normalization", 2016. For each row x,
// with n = (x - mean) * rstd,
//
//   forward    mean = sum(x) / cols,   rstd = 1 / sqrt(sum((x - mean)^2) / cols + eps),
//              y = n * gamma + beta
//
//   backward   g = dy * gamma,
//              dx = (g - sum(g) / cols - n * sum(g * n) / cols) * rstd,
//              dgamma = sum over rows of dy * n,   dbeta = sum over rows of dy

namespace tessera::kernels {

namespace detail {

/// Forward of one row.
struct LayerNormForward {
  template <class Vector, class Scalar>
  [[gnu::always_inline]] static void run(const Scalar* row, const Scalar* factors,
                                         const Scalar* shifts, Scalar eps, Scalar* result,
                                         Scalar* kept_mean, Scalar* kept_rstd, Index cols) {
    const auto count = static_cast<Scalar>(cols);
    const Scalar total = sum_over<Vector>(
        cols, [](const Vector& x, Vector& sum) __attribute__((always_inline)) { sum += x; }, row);
    const Scalar mean = total / count;
    // Beyond the last column the row reads as its mean, and adds nothing to the squares.
    const Scalar squares = sum_over<Vector>(
        cols,
        [=](const Vector& x, Vector& sum) __attribute__((always_inline)) {
          const Vector centered = x - mean;
          sum += centered * centered;
        },
        padded(row, mean));
    const Scalar rstd = 1 / std::sqrt(squares / count + eps);
    // An absent gamma is one and an absent beta zero: neither changes a value.
    each_vector<Vector>(
        0, cols,
        [=](const Vector& x, const Vector& gamma, const Vector& beta, Vector& y)
            __attribute__((always_inline)) {
              const Vector n = (x - mean) * rstd;
              y = n * gamma + beta;
            },
        row, optional(factors, Scalar(1)), optional(shifts, Scalar(0)), written(result));
    *kept_mean = mean;
    *kept_rstd = rstd;
  }
};

/// Backward of one row; dgamma and dbeta are sums so far, to which it adds.
struct LayerNormBackward {
  template <class Vector, class Scalar>
  [[gnu::always_inline]] static void run(const Scalar* row, const Scalar* factors, Scalar mean,
                                         Scalar rstd, const Scalar* upstream, Scalar* result,
                                         Scalar* factor_sums, Scalar* shift_sums, Index cols) {
    // Beyond the last column dy reads as zero, so that none of the four sums sees anything there.
    Vector sum_g{}, sum_gn{};
    each_vector<Vector>(
        0, cols,
        [&](const Vector& x, const Vector& gamma, const Vector& dy, Vector& dgamma, Vector& dbeta)
            __attribute__((always_inline)) {
              const Vector n = (x - mean) * rstd;
              const Vector g = dy * gamma;
              sum_g += g;
              sum_gn += g * n;
              dgamma += dy * n;
              dbeta += dy;
            },
        row, optional(factors, Scalar(1)), upstream, optional(factor_sums, Scalar(0)),
        optional(shift_sums, Scalar(0)));
    if (result == nullptr) return;
    const Scalar mean_g = sum_of(sum_g) / static_cast<Scalar>(cols);
    const Scalar mean_gn = sum_of(sum_gn) / static_cast<Scalar>(cols);
    each_vector<Vector>(
        0, cols,
        [=](const Vector& x, const Vector& gamma, const Vector& dy, Vector& dx)
            __attribute__((always_inline)) {
              const Vector n = (x - mean) * rstd;
              const Vector g = dy * gamma;
              dx = (g - mean_g - n * mean_gn) * rstd;
            },
        row, optional(factors, Scalar(1)), upstream, written(result));
  }
};

}  // namespace detail

/// Overwrites y [rows, cols], mean [rows] and rstd [rows]; the latter two are for backward. gamma
/// and beta [cols] may be null: then y has no such factor or term.
template <class Scalar>
void layer_norm_forward(MatrixView<const Scalar> x, const Scalar* gamma, const Scalar* beta,
                        Scalar eps, Scalar* y, Scalar* mean, Scalar* rstd) {
  parallel_ranges(x.rows, rows_per_cell(x.cols), [&](Index begin, Index end) {
    for (Index r = begin; r < end; ++r) {
      run_vectorized<detail::LayerNormForward, Scalar>(x.row(r), gamma, beta, eps, y + r * x.cols,
                                                       mean + r, rstd + r, x.cols);
    }
  });
}

/// The gradients that layer_norm_backward overwrites; those not wanted are null.
template <class Scalar>
struct LayerNormGradients {
  Scalar* x;      ///< [rows, cols]; may be dy
  Scalar* gamma;  ///< [cols]
  Scalar* beta;   ///< [cols]
};

/// Overwrites `gradients`; mean and rstd are those of forward. One walk over the rows: each cell
/// sums dgamma and dbeta of at most 64 rows in order, and the cells' sums are added pairwise (see
/// column_sums), so that no thread count changes a bit.
template <class Scalar>
void layer_norm_backward(MatrixView<const Scalar> x, const Scalar* gamma, const Scalar* mean,
                         const Scalar* rstd, const Scalar* dy,
                         const LayerNormGradients<Scalar>& gradients) {
  constexpr Index most_rows = 64;  // that a cell adds in order
  const Index per_cell = std::min(most_rows, rows_per_cell(x.cols));
  const Index cells = (x.rows + per_cell - 1) / per_cell;
  Buffer<Scalar> sums(static_cast<std::size_t>(2 * cells * x.cols));
  parallel_ranges(x.rows, per_cell, [&](Index begin, Index end) {
    Scalar* const cell = sums.data() + 2 * (begin / per_cell) * x.cols;
    std::fill_n(cell, 2 * x.cols, Scalar{});
    for (Index r = begin; r < end; ++r) {
      run_vectorized<detail::LayerNormBackward, Scalar>(
          x.row(r), gamma, mean[r], rstd[r], dy + r * x.cols,
          gradients.x ? gradients.x + r * x.cols : nullptr, gradients.gamma ? cell : nullptr,
          gradients.beta ? cell + x.cols : nullptr, x.cols);
    }
  });
  const auto add_cells = [&](const Scalar* first, Scalar* result) {
    if (result) column_sums<Scalar>({first, cells, x.cols, 2 * x.cols}, result);
  };
  add_cells(sums.data(), gradients.gamma);
  add_cells(advanced<const Scalar>(sums.data(), x.cols), gradients.beta);
}

}  // namespace tessera::kernels
