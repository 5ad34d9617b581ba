#pragma once

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <type_traits>

#include "tessera/core/memory.hpp"
#include "tessera/kernels/rows.hpp"
#include "tessera/kernels/simd/elementwise.hpp"

namespace tessera::kernels {

namespace detail {

#if defined(__GNUC__)
/// sums += x - shift of each element, or its square.
template <bool squares>
struct SumOfRow {
  template <class Vector>
  [[gnu::always_inline]] static void step(Index at, Index count, const float* x, float shift,
                                          Vector* sums) {
    Vector value;
    load_part(value, x + at, count, shift);
    value -= shift;
    *sums += squares ? value * value : value;
  }
};

struct LayerNormForwardRow {
  /// Sum of x - shift, or of its squares, in two chains.
  template <class Vector, bool squares>
  [[gnu::always_inline]] static float sum(const float* x, Index cols, float shift) {
    using Step = SumOfRow<squares>;
    Vector sums[2]{};
    const Index pairs = cols / (2 * lanes<Vector>)*2 * lanes<Vector>;
    for (Index at = 0; at < pairs; at += 2 * lanes<Vector>) {
      Step::step(at, lanes<Vector>, x, shift, &sums[0]);
      Step::step(at + lanes<Vector>, lanes<Vector>, x, shift, &sums[1]);
    }
    Elementwise<Step>::template run<Vector>(cols - pairs, x + pairs, shift, &sums[0]);
    return sum_of<Vector>(sums[0] + sums[1]);
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

/// What backward reads of a row: g = dy * gamma and n = (x - mean) * rstd. Beyond `count`, g is
/// zero.
struct LayerNormRow {
  const float* x;
  const float* gamma;
  float mean;
  float rstd;
  const float* dy;

  template <class Vector>
  [[gnu::always_inline]] void load(Index at, Index count, Vector& upstream, Vector& g,
                                   Vector& n) const {
    load_part(n, x + at, count);
    n = (n - mean) * rstd;
    load_part(upstream, dy + at, count);
    g = upstream;
    if (gamma) {
      Vector factor;
      load_part(factor, gamma + at, count);
      g *= factor;
    }
  }
};

struct LayerNormBackwardSums {
  template <class Vector>
  [[gnu::always_inline]] static void step(Index at, Index count, const LayerNormRow* row,
                                          float* dgamma, float* dbeta, Vector* sum_g,
                                          Vector* sum_gn) {
    Vector upstream, g, n, total;
    row->load(at, count, upstream, g, n);
    *sum_g += g;
    *sum_gn += g * n;
    if (dgamma) {
      load_part(total, dgamma + at, count);
      total += upstream * n;
      store_part(total, dgamma + at, count);
    }
    if (dbeta) {
      load_part(total, dbeta + at, count);
      total += upstream;
      store_part(total, dbeta + at, count);
    }
  }
};

struct LayerNormBackwardResult {
  template <class Vector>
  [[gnu::always_inline]] static void step(Index at, Index count, const LayerNormRow* row,
                                          float mean_g, float mean_gn, float* dx) {
    Vector upstream, g, n;
    row->load(at, count, upstream, g, n);
    g = (g - mean_g - n * mean_gn) * row->rstd;
    store_part(g, dx + at, count);
  }
};

struct LayerNormBackwardRow {
  template <class Vector>
  [[gnu::always_inline]] static void run(const LayerNormRow* row, float* dx, float* dgamma,
                                         float* dbeta, Index cols) {
    Vector sum_g{}, sum_gn{};
    Elementwise<LayerNormBackwardSums>::template run<Vector>(cols, row, dgamma, dbeta, &sum_g,
                                                             &sum_gn);
    if (!dx) return;
    const float mean_g = sum_of(sum_g) / static_cast<float>(cols);
    const float mean_gn = sum_of(sum_gn) / static_cast<float>(cols);
    Elementwise<LayerNormBackwardResult>::template run<Vector>(cols, row, mean_g, mean_gn, dx);
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
        const detail::LayerNormRow row{x.row(r), gamma, mean[r], rstd[r], upstream};
        run_vectorised<detail::LayerNormBackwardRow>(&row, dx, dgamma, dbeta, x.cols);
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
