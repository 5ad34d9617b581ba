#pragma once

#include <algorithm>
#include <cmath>
#include <string_view>

#include "tessera/core/random/distributions.hpp"
#include "tessera/io/image/image.hpp"
#include "tessera/io/image/resize.hpp"

namespace tessera::data {

/// Range of the boxes that a random crop may be. The defaults are MAE's; I-JEPA takes area_low =
/// 0.3.
struct CropRange {
  double area_low = 0.2;  // share of the image
  double area_high = 1.0;
  double ratio_low = 3.0 / 4.0;  // width / height
  double ratio_high = 4.0 / 3.0;
};

/// Throws std::invalid_argument "op: reason" unless both ranges are 0 < low <= high, areas at
/// most 1.
inline void check_crop_range(std::string_view op, const CropRange& range) {
  if (!(range.area_low > 0 && range.area_low <= range.area_high && range.area_high <= 1)) {
    refuse(op, "area from ", range.area_low, " to ", range.area_high, " is not a range in (0, 1]");
  }
  if (!(range.ratio_low > 0 && range.ratio_low <= range.ratio_high &&
        std::isfinite(range.ratio_high))) {
    refuse(op, "ratio from ", range.ratio_low, " to ", range.ratio_high,
           " is not a range of positive numbers");
  }
}

/// The box torchvision's RandomResizedCrop cuts from an image of that size after the same
/// generator state: up to ten draws of area and of logarithmic ratio, then the largest centered box
/// of an allowed ratio. Throws std::invalid_argument on an empty image and on ranges that are not
/// 0 < low <= high, or areas above 1.
inline io::ImageBox random_crop_box(const Size& image, const CropRange& range,
                                    Generator& generator) {
  io::detail::require_size(image, "random_crop_box");
  check_crop_range("random_crop_box", range);
  const float log_low = std::log(static_cast<float>(range.ratio_low));
  const float log_high = std::log(static_cast<float>(range.ratio_high));
  const auto rounded = [](double value) { return static_cast<Index>(std::nearbyint(value)); };
  for (int attempt = 0; attempt < 10; ++attempt) {
    const double area = static_cast<double>(image.count()) *
                        static_cast<double>(generator.uniform(static_cast<float>(range.area_low),
                                                              static_cast<float>(range.area_high)));
    const auto ratio = static_cast<double>(std::exp(generator.uniform(log_low, log_high)));
    const Index width = rounded(std::sqrt(area * ratio));
    const Index height = rounded(std::sqrt(area / ratio));
    if (width > 0 && width <= image.width && height > 0 && height <= image.height) {
      const Index top = generator.randint(0, image.height - height + 1);
      const Index left = generator.randint(0, image.width - width + 1);
      return {top, left, height, width};
    }
  }
  Index height = image.height;
  Index width = image.width;
  const double ratio = static_cast<double>(width) / static_cast<double>(height);
  if (ratio < range.ratio_low) {
    height = std::max<Index>(rounded(static_cast<double>(width) / range.ratio_low), 1);
  } else if (ratio > range.ratio_high) {
    width = std::max<Index>(rounded(static_cast<double>(height) * range.ratio_high), 1);
  }
  return {(image.height - height) / 2, (image.width - width) / 2, height, width};
}

/// image [H, W, 3] -> [size.height, size.width, 3]: a random box, resized.
inline io::Image random_resized_crop(const io::Image& image, const Size& size,
                                     const CropRange& range, Generator& generator,
                                     io::Filter filter = io::Filter::bicubic) {
  io::detail::require_image(image, "random_resized_crop");
  io::detail::require_size(size, "random_resized_crop");
  return io::resize(io::crop(image, random_crop_box(io::size_of(image), range, generator)), size,
                    filter);
}

/// The image flipped with that probability, as torchvision's RandomHorizontalFlip.
inline io::Image random_flip(const io::Image& image, Generator& generator,
                             double probability = 0.5) {
  io::detail::require_image(image, "random_flip");
  if (!(probability >= 0 && probability <= 1)) {
    refuse("random_flip", "probability ", probability, " is not in [0, 1]");
  }
  const auto draw = static_cast<double>(generator.uniform<float>());
  return draw < probability ? io::flip_horizontally(image) : image;
}

}  // namespace tessera::data
