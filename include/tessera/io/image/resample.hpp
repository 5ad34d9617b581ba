#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <numbers>
#include <span>
#include <vector>

#include "tessera/core/size.hpp"
#include "tessera/kernels/bicubic.hpp"

namespace tessera::io {

/// Weights over the source pixels around a target pixel: Pillow's filters (Resample.c). The bicubic
/// one has a = -0.5, the Lanczos window 3 lobes.
enum class Filter { box, bilinear, hamming, bicubic, lanczos };

namespace detail {

/// Half the filter's width, in source pixels at scale 1.
constexpr double filter_support(Filter filter) {
  switch (filter) {
    case Filter::box:
      return 0.5;
    case Filter::bilinear:
    case Filter::hamming:
      return 1.0;
    case Filter::bicubic:
      return 2.0;
    case Filter::lanczos:
      break;
  }
  return 3.0;
}

/// sin(pi x) / (pi x)
inline double sinc(double x) {
  if (std::abs(x) < std::numeric_limits<double>::min()) return 1.0;
  const double angle = x * std::numbers::pi;
  return std::sin(angle) / angle;
}

inline double filter_weight(Filter filter, double distance) {
  const double x = std::abs(distance);
  switch (filter) {
    case Filter::box:
      return distance > -0.5 && distance <= 0.5 ? 1.0 : 0.0;
    case Filter::bilinear:
      return x < 1.0 ? 1.0 - x : 0.0;
    case Filter::hamming:
      return x < 1.0 ? sinc(x) * (0.54 + 0.46 * std::cos(x * std::numbers::pi)) : 0.0;
    case Filter::bicubic:
      return kernels::cubic_kernel(x, -0.5);
    case Filter::lanczos:
      break;
  }
  return -3.0 <= distance && distance < 3.0 ? sinc(distance) * sinc(distance / 3.0) : 0.0;
}

// Pillow's fixed point: 32 bits hold 8 bits of pixel, 22 of weight, and two for overshoot and sign.
inline constexpr int weight_bits = 22;
inline constexpr std::int32_t half_level = 1 << (weight_bits - 1);

inline std::uint8_t clipped_pixel(std::int32_t sum) {
  return static_cast<std::uint8_t>(std::clamp(sum >> weight_bits, 0, 255));
}

/// Source positions along one axis, in order.
struct Window {
  Index first;
  Index count;
  Index end() const { return first + count; }
};

/// Resampling along one axis: which source positions a target position reads, and their weights.
class Resampling {
 public:
  Resampling(Index source, Index target, Filter filter)
      : source_(source),
        filter_(filter),
        scale_(static_cast<double>(source) / static_cast<double>(target)),
        filter_scale_(std::max(scale_, 1.0)),  // shrinking widens the filter: antialias
        support_(filter_support(filter) * filter_scale_) {}

  Window window(Index position) const {
    const double center = center_of(position);
    const Index first = std::max<Index>(static_cast<Index>(std::floor(center - support_ + 0.5)), 0);
    const Index end = std::min(static_cast<Index>(std::floor(center + support_ + 0.5)), source_);
    return {first, end - first};
  }

  /// Source positions that these target positions read.
  Window reach(const Window& targets) const {
    const Index begin = window(targets.first).first;
    return {begin, window(targets.end() - 1).end() - begin};
  }

  /// Appends the weights of a window, in fixed point, to `weights`.
  void append_weights(Index position, std::vector<std::int32_t>& weights) {
    const double center = center_of(position);
    const Window reads = window(position);
    exact_.clear();
    double sum = 0.0;
    for (Index i = reads.first; i < reads.end(); ++i) {
      const double offset = static_cast<double>(i) - center + 0.5;
      exact_.push_back(filter_weight(filter_, offset * (1.0 / filter_scale_)));
      sum += exact_.back();
    }
    for (double weight : exact_) {
      if (sum < 0.0 || sum > 0.0) weight /= sum;
      const double scaled = weight * (1 << weight_bits);
      weights.push_back(static_cast<std::int32_t>(scaled < 0 ? scaled - 0.5 : scaled + 0.5));
    }
  }

 private:
  double center_of(Index position) const { return (static_cast<double>(position) + 0.5) * scale_; }

  Index source_;
  Filter filter_;
  double scale_;
  double filter_scale_;
  double support_;
  std::vector<double> exact_;
};

}  // namespace detail

}  // namespace tessera::io
