#pragma once

#include <algorithm>
#include <cmath>

#include "tessera/core/memory.hpp"
#include "tessera/core/shape.hpp"

namespace tessera::kernels {

/// The two bicubic filters of torch's interpolate(align_corners=False).
enum class Bicubic {
  plain,      ///< a = -0.75, four taps, borders repeated
  antialias,  ///< a = -0.5, widened when shrinking, weights normalised; differs even when growing
};

struct Tap {
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

/// For each of `outputs` places along an axis, which of `inputs` places it is made of.
inline CachedVector<CachedVector<Tap>> bicubic_taps(Index inputs, Index outputs, Bicubic filter) {
  const double step = static_cast<double>(inputs) / static_cast<double>(outputs);
  CachedVector<CachedVector<Tap>> taps(static_cast<std::size_t>(outputs));
  for (Index i = 0; i < outputs; ++i) {
    CachedVector<Tap>& out = taps[static_cast<std::size_t>(i)];
    if (filter == Bicubic::plain) {
      const double centre = (static_cast<double>(i) + 0.5) * step - 0.5;
      const auto base = static_cast<Index>(std::floor(centre));
      for (Index j = base - 1; j <= base + 2; ++j) {
        out.push_back({std::clamp<Index>(j, 0, inputs - 1),
                       cubic_kernel(centre - static_cast<double>(j), -0.75)});
      }
      continue;
    }
    const double widen = std::max(step, 1.0);
    const double centre = (static_cast<double>(i) + 0.5) * step;
    const auto first = std::max<Index>(static_cast<Index>(centre - 2 * widen + 0.5), 0);
    const auto last = std::min<Index>(static_cast<Index>(centre + 2 * widen + 0.5), inputs);
    double sum = 0;
    for (Index j = first; j < last; ++j) {
      out.push_back({j, cubic_kernel((static_cast<double>(j) - centre + 0.5) / widen, -0.5)});
      sum += out.back().weight;
    }
    for (Tap& tap : out) tap.weight /= sum;
  }
  return taps;
}

}  // namespace tessera::kernels
