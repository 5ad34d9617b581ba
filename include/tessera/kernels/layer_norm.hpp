#pragma once

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <type_traits>

#include "tessera/core/memory.hpp"
#include "tessera/kernels/dispatch.hpp"
#include "tessera/kernels/rows.hpp"

namespace tessera::kernels {

namespace detail {

#if defined(__GNUC__)
struct LayerNormForwardRow {
  /// Sum of x - shift, or of its squares.
  template <class Vector, bool squares>
  [[gnu::always_inline]] static float sum(const float* x, Index cols, float shift) {
    Vector first, second, sums{}, more_sums{};
    Index at = 0;
    for (; at + 2 * lanes<Vector> <= cols; at += 2 * lanes<Vector>) {
      load(first, x + at);
      load(second, x + at + lanes<Vector>);
      first -= shift;
      second -= shift;
      sums += squares ? first * first : first;
      more_sums += squares ? second * second : second;
    }
    for (; at < cols; at += lanes<Vector>) {
      load_part(first, x + at, std::min(lanes<Vector>, cols - at), shift);
      first -= shift;
      sums += squares ? first * first : first;
    }
    return sum_of<Vector>(sums + more_sums);
  }

  template <class Vector>
  [[gnu::always_inline]] static void step(const float* x, const float* gamma, const float* beta,
                                          float mean, float rstd, float* y, Index count) {
    Vector value, factor;
    load_part(value, x, count);
    value = (value - mean) * rstd;
    if (gamma) {
      load_part(factor, gamma, count);
      value *= factor;
    }
    if (beta) {
      load_part(factor, beta, count);
      value += factor;
    }
    store_part(value, y, count);
  }

  template <class Vector>
  [[gnu::always_inline]] static void run(const float* x, const float* gamma, const float* beta,
                                         float eps, float* y, float* mean, float* rstd,
                                         Index cols) {
    const auto count = static_cast<float>(cols);
    const float average = sum<Vector, false>(x, cols, 0) / count;
    const float deviation = 1 / std::sqrt(sum<Vector, true>(x, cols, average) / count + eps);
    Index at = 0;
    for (; at + lanes<Vector> <= cols; at += lanes<Vector>) {
      step<Vector>(x + at, gamma ? gamma + at : gamma, beta ? beta + at : beta, average, deviation,
                   y + at, lanes<Vector>);
    }
    if (at < cols) {
      step<Vector>(x + at, gamma ? gamma + at : gamma, beta ? beta + at : beta, average, deviation,
                   y + at, cols - at);
    }
    *mean = average;
    *rstd = deviation;
  }
};

struct LayerNormBackwardRow {
  /// g = dy * gamma and n = (x - mean) * rstd of up to one vector; beyond `count`, g is zero.
  template <class Vector>
  [[gnu::always_inline]] static void load_both(const float* x, const float* gamma, float mean,
                                               float rstd, const float* dy, Index count, Vector& g,
                                               Vector& n) {
    load_part(n, x, count);
    n = (n - mean) * rstd;
    load_part(g, dy, count);
    if (gamma) {
      Vector factor;
      load_part(factor, gamma, count);
      g *= factor;
    }
  }

  template <class Vector>
  [[gnu::always_inline]] static void run(const float* x, const float* gamma, float mean, float rstd,
                                         const float* dy, float* dx, float* dgamma, float* dbeta,
                                         Index cols) {
    Vector g, n, dy_part, total, sum_g{}, sum_gn{};
    for (Index at = 0; at < cols; at += lanes<Vector>) {
      const Index count = std::min(lanes<Vector>, cols - at);
      const float* factors = gamma ? gamma + at : gamma;
      load_both(x + at, factors, mean, rstd, dy + at, count, g, n);
      sum_g += g;
      sum_gn += g * n;
      load_part(dy_part, dy + at, count);
      if (dgamma) {
        load_part(total, dgamma + at, count);
        total += dy_part * n;
        store_part(total, dgamma + at, count);
      }
      if (dbeta) {
        load_part(total, dbeta + at, count);
        total += dy_part;
        store_part(total, dbeta + at, count);
      }
    }
    if (!dx) return;
    const float mean_g = sum_of(sum_g) / static_cast<float>(cols);
    const float mean_gn = sum_of(sum_gn) / static_cast<float>(cols);
    for (Index at = 0; at < cols; at += lanes<Vector>) {
      const Index count = std::min(lanes<Vector>, cols - at);
      load_both(x + at, gamma ? gamma + at : gamma, mean, rstd, dy + at, count, g, n);
      g = (g - mean_g - n * mean_gn) * rstd;
      store_part(g, dx + at, count);
    }
  }
};
#endif

template <class Scalar>
void layer_norm_backward_row(const Scalar* x, const Scalar* gamma, Scalar mean, Scalar rstd,
                             const Scalar* dy, Scalar* dx, Scalar* dgamma, Scalar* dbeta,
                             Index cols) {
  const ConstArrayMap<Scalar> in(x, cols);
  const ConstArrayMap<Scalar> gradient(dy, cols);
  if (dgamma) ArrayMap<Scalar>(dgamma, cols) += gradient * (in - mean) * rstd;
  if (dbeta) ArrayMap<Scalar>(dbeta, cols) += gradient;
  if (!dx) return;
  ArrayMap<Scalar> out(dx, cols);
  out = gradient;
  if (gamma) out *= ConstArrayMap<Scalar>(gamma, cols);
  const Scalar mean_g = out.mean();
  const Scalar mean_gn = (out * (in - mean)).mean() * rstd;
  out = rstd * (out - mean_g - (in - mean) * (rstd * mean_gn));
}

}  // namespace detail

/// y = (x - mean) / sqrt(var + eps) * gamma + beta per row, biased variance. gamma and beta may be
/// null; mean and rstd [rows] are kept for backward.
template <class Scalar>
void layer_norm_forward(MatrixView<const Scalar> x, const Scalar* gamma, const Scalar* beta,
                        Scalar eps, Scalar* y, Scalar* mean, Scalar* rstd) {
  parallel_ranges(x.rows, rows_per_cell(x.cols), [&](Index begin, Index end) {
    for (Index r = begin; r < end; ++r) {
      if constexpr (has_float_kernels && std::is_same_v<Scalar, float>) {
        run_vectorised<detail::LayerNormForwardRow>(x.row(r), gamma, beta, eps, y + r * x.cols,
                                                    mean + r, rstd + r, x.cols);
      } else {
        const ConstArrayMap<Scalar> in(x.row(r), x.cols);
        ArrayMap<Scalar> out(y + r * x.cols, x.cols);
        mean[r] = in.mean();
        rstd[r] = Scalar(1) / std::sqrt((in - mean[r]).square().mean() + eps);
        out = (in - mean[r]) * rstd[r];
        if (gamma) out *= ConstArrayMap<Scalar>(gamma, x.cols);
        if (beta) out += ConstArrayMap<Scalar>(beta, x.cols);
      }
    }
  });
}

/// What layer_norm_backward gives; those not wanted are null.
template <class Scalar>
struct LayerNormGradients {
  Scalar* x;      ///< [rows, cols]; may be dy
  Scalar* gamma;  ///< [cols]
  Scalar* beta;   ///< [cols]
};

/// With n = (x - mean) * rstd and g = dy * gamma: dx = rstd * (g - mean(g) - n * mean(g * n)),
/// dgamma = sum over rows of dy * n, dbeta = sum over rows of dy. One walk over the rows; what its
/// cells have summed is added in order, so that no thread count changes a bit.
template <class Scalar>
void layer_norm_backward(MatrixView<const Scalar> x, const Scalar* gamma, const Scalar* mean,
                         const Scalar* rstd, const Scalar* dy,
                         const LayerNormGradients<Scalar>& gradients) {
  const Index per_cell = rows_per_cell(x.cols);
  const Index cells = (x.rows + per_cell - 1) / per_cell;
  Buffer<Scalar> sums(static_cast<std::size_t>(2 * cells * x.cols));
  parallel_ranges(x.rows, per_cell, [&](Index begin, Index end) {
    Scalar* const cell = sums.data() + 2 * (begin / per_cell) * x.cols;
    std::fill_n(cell, 2 * x.cols, Scalar{});
    Scalar* const dgamma = gradients.gamma ? cell : nullptr;
    Scalar* const dbeta = gradients.beta ? cell + x.cols : nullptr;
    for (Index r = begin; r < end; ++r) {
      const Scalar* upstream = dy + r * x.cols;
      Scalar* dx = gradients.x ? gradients.x + r * x.cols : nullptr;
      if constexpr (has_float_kernels && std::is_same_v<Scalar, float>) {
        run_vectorised<detail::LayerNormBackwardRow>(x.row(r), gamma, mean[r], rstd[r], upstream,
                                                     dx, dgamma, dbeta, x.cols);
      } else {
        detail::layer_norm_backward_row(x.row(r), gamma, mean[r], rstd[r], upstream, dx, dgamma,
                                        dbeta, x.cols);
      }
    }
  });
  const auto add_cells = [&](const Scalar* first, Scalar* result) {
    if (result) column_sums<Scalar>({first, cells, x.cols, 2 * x.cols}, result);
  };
  add_cells(sums.data(), gradients.gamma);
  add_cells(advanced<const Scalar>(sums.data(), x.cols), gradients.beta);
}

}  // namespace tessera::kernels
