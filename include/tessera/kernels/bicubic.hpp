#pragma once

#include <algorithm>
#include <cmath>

#include "tessera/core/memory.hpp"
#include "tessera/core/size.hpp"

namespace tessera::kernels {

/// The two bicubic filters of torch's interpolate(align_corners=False).
enum class Bicubic {
  plain,      ///< a = -0.75, four taps, borders repeated
  antialias,  ///< a = -0.5, widened when shrinking, weights normalized; differs even when growing
};

/// Part of a resampled value: `weight` times the value at `source`.
struct Tap {
  Index output;
  Index source;
  double weight;
};

/// Keys' cubic convolution kernel, "Cubic convolution interpolation", 1981, eq. 4.
inline double cubic_kernel(double x, double a) {
  x = std::abs(x);
  if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  if (x < 2) return ((a * x - 5 * a) * x + 8 * a) * x - 4 * a;
  return 0;
}

/// The taps of each of `outputs` places along an axis of `inputs` places, in order.
inline CachedVector<Tap> bicubic_taps(Index inputs, Index outputs, Bicubic filter) {
  const double step = static_cast<double>(inputs) / static_cast<double>(outputs);
  const double widen = std::max(step, 1.0);
  CachedVector<Tap> taps;
  for (Index i = 0; i < outputs; ++i) {
    const double center = (static_cast<double>(i) + 0.5) * step;
    if (filter == Bicubic::plain) {
      const double at = center - 0.5;
      const auto base = static_cast<Index>(std::floor(at));
      for (Index j = base - 1; j <= base + 2; ++j) {
        taps.push_back({i, std::clamp<Index>(j, 0, inputs - 1),
                        cubic_kernel(at - static_cast<double>(j), -0.75)});
      }
      continue;
    }
    const auto first = std::max<Index>(static_cast<Index>(center - 2 * widen + 0.5), 0);
    const auto last = std::min<Index>(static_cast<Index>(center + 2 * widen + 0.5), inputs);
    const std::size_t begin = taps.size();
    double sum = 0;
    for (Index j = first; j < last; ++j) {
      taps.push_back({i, j, cubic_kernel((static_cast<double>(j) - center + 0.5) / widen, -0.5)});
      sum += taps.back().weight;
    }
    for (std::size_t t = begin; t < taps.size(); ++t) taps[t].weight /= sum;
  }
  return taps;
}

/// The taps of the cells of a grid, counted row by row.
inline CachedVector<Tap> bicubic_taps(const Size& from, const Size& to, Bicubic filter) {
  CachedVector<Tap> taps;
  const CachedVector<Tap> across = bicubic_taps(from.width, to.width, filter);
  for (const Tap& v : bicubic_taps(from.height, to.height, filter)) {
    for (const Tap& h : across) {
      taps.push_back(
          {v.output * to.width + h.output, v.source * from.width + h.source, v.weight * h.weight});
    }
  }
  return taps;
}

}  // namespace tessera::kernels
