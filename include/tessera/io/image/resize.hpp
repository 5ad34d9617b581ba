#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <span>
#include <vector>

#include "tessera/core/tensor.hpp"
#include "tessera/io/image/image.hpp"

namespace tessera::io {

/// Weights over the source pixels around a target pixel. The bicubic one has a = -0.5.
enum class Filter { box, bilinear, bicubic };

namespace detail {

/// Half the filter's width, in source pixels at scale 1.
constexpr double filter_support(Filter filter) {
  return filter == Filter::box ? 0.5 : filter == Filter::bilinear ? 1.0 : 2.0;
}

inline double filter_weight(Filter filter, double distance) {
  if (filter == Filter::box) return distance > -0.5 && distance <= 0.5 ? 1.0 : 0.0;
  const double x = std::abs(distance);
  if (filter == Filter::bilinear) return x < 1.0 ? 1.0 - x : 0.0;
  constexpr double a = -0.5;
  if (x < 1.0) return ((a + 2.0) * x - (a + 3.0)) * x * x + 1.0;
  if (x < 2.0) return (((x - 5.0) * x + 8.0) * x - 4.0) * a;
  return 0.0;
}

// Pillow's fixed point: 32 bits hold 8 bits of pixel, 22 of weight, and two for overshoot and sign.
inline constexpr int weight_bits = 22;

inline std::uint8_t clipped_pixel(std::int32_t sum) {
  return static_cast<std::uint8_t>(std::clamp(sum >> weight_bits, 0, 255));
}

/// For each target position along one axis: the source positions it reads and their weights.
struct ResampleTable {
  struct Window {
    Index first;
    Index count;
    std::size_t weights;  // where they begin
  };
  std::vector<Window> windows;
  std::vector<std::int32_t> weights;

  std::span<const std::int32_t> weights_of(const Window& window) const {
    return std::span(weights).subspan(window.weights, static_cast<std::size_t>(window.count));
  }
};

inline ResampleTable resample_table(Index source, Index target, Filter filter) {
  const double scale = static_cast<double>(source) / static_cast<double>(target);
  const double filter_scale = std::max(scale, 1.0);  // shrinking widens the filter: antialias
  const double support = filter_support(filter) * filter_scale;
  const double inverse = 1.0 / filter_scale;
  ResampleTable table;
  table.windows.reserve(static_cast<std::size_t>(target));
  std::vector<double> window;
  for (Index position = 0; position < target; ++position) {
    const double center = (static_cast<double>(position) + 0.5) * scale;
    const Index first = std::max<Index>(static_cast<Index>(std::floor(center - support + 0.5)), 0);
    const Index last = std::min(static_cast<Index>(std::floor(center + support + 0.5)), source);
    window.clear();
    double sum = 0.0;
    for (Index i = first; i < last; ++i) {
      const double offset = static_cast<double>(i) - center + 0.5;
      window.push_back(filter_weight(filter, offset * inverse));
      sum += window.back();
    }
    table.windows.push_back({first, last - first, table.weights.size()});
    for (double weight : window) {
      if (sum < 0.0 || sum > 0.0) weight /= sum;
      const double scaled = weight * (1 << weight_bits);
      table.weights.push_back(static_cast<std::int32_t>(scaled < 0 ? scaled - 0.5 : scaled + 0.5));
    }
  }
  return table;
}

/// image [H, W, 3] -> [H, width, 3]
inline Image resize_columns(const Image& image, Index width, Filter filter) {
  const ResampleTable table = resample_table(image.dim(1), width, filter);
  Image resized = Image::empty({image.dim(0), width, 3});
  for (Index row = 0; row < image.dim(0); ++row) {
    const std::uint8_t* source = &image(row, 0, 0);
    std::uint8_t* target = &resized(row, 0, 0);
    for (const ResampleTable::Window& window : table.windows) {
      std::int32_t red = 1 << (weight_bits - 1);
      std::int32_t green = red;
      std::int32_t blue = red;
      const std::uint8_t* pixel = source + 3 * window.first;
      for (const std::int32_t weight : table.weights_of(window)) {
        red += weight * pixel[0];
        green += weight * pixel[1];
        blue += weight * pixel[2];
        pixel += 3;
      }
      *target++ = clipped_pixel(red);
      *target++ = clipped_pixel(green);
      *target++ = clipped_pixel(blue);
    }
  }
  return resized;
}

/// image [H, W, 3] -> [height, W, 3]
inline Image resize_rows(const Image& image, Index height, Filter filter) {
  const ResampleTable table = resample_table(image.dim(0), height, filter);
  const Index row_size = image.dim(1) * 3;
  Image resized = Image::empty({height, image.dim(1), 3});
  std::vector<std::int32_t> sums(static_cast<std::size_t>(row_size));
  std::uint8_t* target = resized.data();
  for (const ResampleTable::Window& window : table.windows) {
    std::fill(sums.begin(), sums.end(), 1 << (weight_bits - 1));
    const std::uint8_t* source = &image(window.first, 0, 0);
    for (const std::int32_t weight : table.weights_of(window)) {
      for (std::int32_t& sum : sums) sum += weight * *source++;
    }
    target = std::transform(sums.begin(), sums.end(), target, clipped_pixel);
  }
  return resized;
}

}  // namespace detail

/// Which axis is resized first. It matters by a level or two here and there, because the pixels
/// between the passes have 8 bits.
enum class PassOrder {
  pillow_13,     // columns first, unless the height loses more than twice what the width does
  columns_first  // all Pillow versions before 13, with which the published weights were trained
};

/// image [H, W, 3] -> [size.height, size.width, 3], the same bits as Pillow's Image.resize: 8-bit
/// fixed point, one pass per axis that changes, with antialias when shrinking. Throws
/// std::invalid_argument on an empty image or size.
inline Image resize(const Image& image, const Size& size, Filter filter,
                    PassOrder order = PassOrder::pillow_13) {
  detail::require_image(image, "resize");
  detail::require_size(size, "resize");
  const auto columns = [&](const Image& source) {
    return size.width == source.dim(1) ? source
                                       : detail::resize_columns(source, size.width, filter);
  };
  const auto rows = [&](const Image& source) {
    return size.height == source.dim(0) ? source : detail::resize_rows(source, size.height, filter);
  };
  const Index lost_rows = image.dim(0) - size.height;
  const bool rows_first =
      order == PassOrder::pillow_13 && lost_rows > 0 && lost_rows > 2 * (image.dim(1) - size.width);
  return rows_first ? columns(rows(image)) : rows(columns(image));
}

/// The shorter side becomes `length`, the longer one keeps the proportion, rounded down as
/// torchvision's Resize(length) does.
inline Image resize_shorter_side(const Image& image, Index length, Filter filter) {
  detail::require_image(image, "resize_shorter_side");
  if (length <= 0) refuse("resize_shorter_side", "length ", length, " is not positive");
  const auto [height, width] = size_of(image);
  if (height <= width) return resize(image, {length, length * width / height}, filter);
  return resize(image, {length * height / width, length}, filter);
}

}  // namespace tessera::io
