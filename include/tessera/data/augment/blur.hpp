#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "tessera/io/image/image.hpp"

namespace tessera::data {

namespace detail {

/// Radius of the box whose threefold blur has the deviation `sigma` (Gwosdek et al., "Theoretical
/// foundations of Gaussian convolution by extended box filtering", 2011, equations 7, 11 and 14).
/// In float, as Pillow computes it; products are rounded by casts, so that no compiler joins them
/// with a sum.
inline float box_radius(float sigma) {
  const float variance = sigma * sigma / 3;
  const auto length = static_cast<float>(std::sqrt(12.0 * static_cast<double>(variance) + 1.0));
  const auto whole = static_cast<float>(std::floor((static_cast<double>(length) - 1.0) / 2.0));
  const auto thrice = static_cast<float>(3.0 * static_cast<double>(variance));
  const float next_square = (whole + 1) * (whole + 1);
  const auto dividend = static_cast<float>(static_cast<double>(2 * whole + 1) *
                                           static_cast<double>(whole * (whole + 1) - thrice));
  const auto divisor = static_cast<float>(6.0 * static_cast<double>(variance - next_square));
  return whole + dividend / divisor;
}

/// A box of 2 radius + 1 pixels, whose two outermost have less weight: weights are in units of
/// 2^-24.
struct BoxFilter {
  Index radius = 0;  // whole pixels on each side
  std::uint32_t inner_weight = 0;
  std::uint32_t outer_weight = 0;  // of the pixels just beyond the radius

  explicit BoxFilter(float fractional_radius)
      : radius(static_cast<Index>(fractional_radius)),
        inner_weight(static_cast<std::uint32_t>(16777216.0F / (fractional_radius * 2 + 1))),
        outer_weight((16777216U - static_cast<std::uint32_t>(radius * 2 + 1) * inner_weight) / 2) {}
};

/// One pass over a line of RGB pixels. `padded` holds radius + 1 pixels more at each end, and gets
/// new values in its middle; `out` has room for the middle.
inline void box_blur_line(const BoxFilter& box, const std::vector<std::uint8_t>& padded,
                          std::uint8_t* out, Index pixels) {
  for (std::size_t channel = 0; channel < 3; ++channel) {
    const auto at = [&](Index pixel) {
      return static_cast<std::uint32_t>(padded[static_cast<std::size_t>(3 * pixel) + channel]);
    };
    // Pixel x of the line is padded pixel x + radius + 1. The window of pixel -1 comes first.
    std::uint32_t inner = 0;
    for (Index i = 0; i < 2 * box.radius + 1; ++i) inner += at(i);
    for (Index x = 0; x < pixels; ++x) {
      inner += at(x + 2 * box.radius + 1) - at(x);
      const std::uint32_t outer = at(x) + at(x + 2 * box.radius + 2);
      const std::uint32_t sum = inner * box.inner_weight + outer * box.outer_weight;
      out[static_cast<std::size_t>(3 * x) + channel] =
          static_cast<std::uint8_t>((sum + (1U << 23)) >> 24);
    }
  }
}

/// Three passes over each line of the image, along its rows or its columns.
inline void box_blur_thrice(io::Image& image, const BoxFilter& box, bool along_rows) {
  const Index lines = image.dim(along_rows ? 0 : 1);
  const Index pixels = image.dim(along_rows ? 1 : 0);
  const auto border = static_cast<std::size_t>(3 * (box.radius + 1));
  const auto middle = static_cast<std::size_t>(3 * pixels);
  std::vector<std::uint8_t> padded(middle + 2 * border);
  std::vector<std::uint8_t> blurred(middle);
  const auto pixel = [&](Index line, Index x) {
    return along_rows ? &image(line, x, 0) : &image(x, line, 0);
  };
  for (Index line = 0; line < lines; ++line) {
    for (Index x = 0; x < pixels; ++x)
      std::copy_n(pixel(line, x), 3, &blurred[static_cast<std::size_t>(3 * x)]);
    for (int pass = 0; pass < 3; ++pass) {
      // Beyond its ends a line goes on with its first and its last pixel.
      std::copy(blurred.begin(), blurred.end(),
                padded.begin() + static_cast<std::ptrdiff_t>(border));
      for (std::size_t i = 0; i < border; ++i) {
        padded[i] = blurred[i % 3];
        padded[border + middle + i] = blurred[middle - 3 + i % 3];
      }
      box_blur_line(box, padded, blurred.data(), pixels);
    }
    for (Index x = 0; x < pixels; ++x)
      std::copy_n(&blurred[static_cast<std::size_t>(3 * x)], 3, pixel(line, x));
  }
}

}  // namespace detail

/// Pillow's ImageFilter.GaussianBlur(sigma), bit for bit: three box blurs along the rows, then
/// three along the columns. Throws std::invalid_argument unless sigma is in [0, 1000].
inline void gaussian_blur(io::Image& image, double sigma) {
  if (!(sigma >= 0 && sigma <= 1000))
    refuse("gaussian_blur", "sigma = ", sigma, " is not in [0, 1000]");
  const float radius = detail::box_radius(static_cast<float>(sigma));
  if (radius <= 0) return;
  const detail::BoxFilter box(radius);
  detail::box_blur_thrice(image, box, true);
  detail::box_blur_thrice(image, box, false);
}

}  // namespace tessera::data
