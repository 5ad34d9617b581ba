#pragma once

#include <array>
#include <cmath>
#include <concepts>
#include <limits>
#include <numbers>

namespace tessera {

namespace detail {

/// One Halley step from x towards erf(x) = y, for 0 <= y < 1. Cubic convergence.
inline double erfinv_step(double x, double y) {
  // Near 1, the complement keeps the digits that erf rounds away.
  const double miss = y < 0.5 ? std::erf(x) - y : (1.0 - y) - std::erfc(x);
  const double newton = miss * std::exp(x * x) / (2.0 * std::numbers::inv_sqrtpi);
  return x - newton / (1.0 + x * newton);
}

}  // namespace detail

/// x with erf(x) = y, to full precision of Scalar; -inf and inf at -1 and 1, NaN outside.
template <std::floating_point Scalar>
Scalar erfinv(Scalar y) {
  const double target = std::abs(static_cast<double>(y));
  if (!(target < 1.0)) {
    // Neither below 1 nor above it: 1 itself.
    return target <= 1.0 ? std::copysign(std::numeric_limits<Scalar>::infinity(), y)
                         : std::numeric_limits<Scalar>::quiet_NaN();
  }
  const double log_slack = std::log((1.0 - target) * (1.0 + target));
  double x = 0.0;
  if (log_slack > -5.0) {
    // erfinv(y) / y as a polynomial in the scaled log, fitted at Chebyshev nodes; error 6e-9.
    static constexpr std::array<double, 10> coefficients = {
        1.5014093604503288,      0.61660069763659157,    -0.026108705470019679,
        -0.019573849871456704,   0.0085292728999908763,  -0.00048558786029831555,
        -0.00084569952823080361, 0.00028572469974080885, 3.5607860100872965e-5,
        -3.4072593575455557e-5};
    const double t = -log_slack / 2.5 - 1.0;
    double even = 0.0;  // two short chains of operations instead of a long one
    double odd = 0.0;
    for (std::size_t k = coefficients.size(); k > 0; k -= 2) {
      even = even * (t * t) + coefficients[k - 2];
      odd = odd * (t * t) + coefficients[k - 1];
    }
    x = target * (even + odd * t);
    if constexpr (!std::same_as<Scalar, float>) x = detail::erfinv_step(x, target);
  } else {
    // Winitzki's closed form, good to 2e-3, then three steps: one draw in 300 comes here.
    const double a = 0.147;
    const double half = 2.0 / (std::numbers::pi * a) + log_slack / 2.0;
    x = std::sqrt(std::sqrt(half * half - log_slack / a) - half);
    for (int step = 0; step < 3; ++step) x = detail::erfinv_step(x, target);
  }
  return static_cast<Scalar>(std::copysign(x, static_cast<double>(y)));
}

}  // namespace tessera
