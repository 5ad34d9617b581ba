#pragma once

#include <string>
#include <string_view>

#include "tessera/core/random/python_random.hpp"

namespace tessera {

/// A range that a mask sampler draws from.
struct Interval {
  double low = 0.0;
  double high = 0.0;

  /// low + unit * (high - low), as Python computes it.
  double at(double unit) const { return detail::multiply_then_add(unit, high - low, low); }
};

/// "[0.15, 0.2]", as error messages print it.
inline void append_text(std::string& text, const Interval& interval) {
  text += concat("[", interval.low, ", ", interval.high, "]");
}

namespace detail {

inline void check_interval(std::string_view op, std::string_view name, const Interval& interval,
                           double min, double max) {
  if (!(interval.low >= min && interval.low <= interval.high && interval.high <= max)) {
    refuse(op, name, " = ", interval, " must be in order and within [", min, ", ", max, "]");
  }
}

}  // namespace detail
}  // namespace tessera
