#pragma once

#include <algorithm>
#include <cmath>
#include <numbers>

#include "tessera/core/error.hpp"

namespace tessera {

/// A line from `start` to `peak`, then half a cosine down (or up) to `final`. Positions and lengths
/// are in any one unit, steps or (fractional) epochs. Loshchilov & Hutter, "SGDR", 2017.
///
/// MAE: rate {.peak = lr, .warmup = 40, .total = 800} at the fractional epoch of each step.
/// I-JEPA: rate and, without warm-up, weight decay at the step number, which begins at 1.
struct WarmupCosine {
  double start = 0;
  double peak = 0;
  double final = 0;
  double warmup = 0;
  double total = 1;

  /// Past `total` it stays at `final`. Throws std::invalid_argument unless 0 <= warmup < total,
  /// position >= 0 and all numbers are finite.
  double operator()(double position) const {
    if (!(warmup >= 0 && warmup < total && std::isfinite(total))) {
      refuse("WarmupCosine", "warmup = ", warmup, " and total = ", total,
             " must satisfy 0 <= warmup < total");
    }
    if (!(std::isfinite(start) && std::isfinite(peak) && std::isfinite(final))) {
      refuse("WarmupCosine", "start = ", start, ", peak = ", peak, " and final = ", final,
             " must be finite");
    }
    if (position < 0) refuse("WarmupCosine", "position = ", position, " is negative");
    if (position < warmup) return start + position / warmup * (peak - start);
    const double along = std::min(1.0, (position - warmup) / (total - warmup));
    return final + (peak - final) * 0.5 * (1 + std::cos(std::numbers::pi * along));
  }
};

/// A line from `start` to `final` in `total` steps: the momentum of I-JEPA's target encoder.
struct LinearSchedule {
  double start = 0;
  double final = 0;
  double total = 1;

  /// Past `total` it stays at `final`. Throws std::invalid_argument unless total > 0,
  /// position >= 0 and all numbers are finite.
  double operator()(double position) const {
    if (!(total > 0 && std::isfinite(total))) {
      refuse("LinearSchedule", "total = ", total, " must be positive");
    }
    if (!(std::isfinite(start) && std::isfinite(final))) {
      refuse("LinearSchedule", "start = ", start, " and final = ", final, " must be finite");
    }
    if (position < 0) refuse("LinearSchedule", "position = ", position, " is negative");
    return start + std::min(1.0, position / total) * (final - start);
  }
};

}  // namespace tessera
