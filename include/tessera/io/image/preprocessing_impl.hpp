#pragma once

#include <algorithm>
#include <cmath>

#include "tessera/core/inline.hpp"
#include "tessera/io/image/preprocessing.hpp"

namespace tessera::io {

namespace detail {

/// The proportion of `image`, its shorter side `how.shorter_side`, unless the longer one would pass
/// `how.longer_side` (transformers' get_size_with_aspect_ratio).
inline Size with_longer_side(const Size& image, const Preprocessing& how) {
  const auto shorter = static_cast<double>(std::min(image.height, image.width));
  const auto longer = static_cast<double>(std::max(image.height, image.width));
  const auto most = static_cast<double>(how.longer_side);
  if (longer / shorter * static_cast<double>(how.shorter_side) <= most) {
    return with_shorter_side(image, how.shorter_side);
  }
  const double exact = most * shorter / longer;
  const auto rounded = static_cast<Index>(std::nearbyint(exact));
  if (std::min(image.height, image.width) == rounded) return image;
  if (image.width < image.height) {
    return {static_cast<Index>(exact * static_cast<double>(image.height) /
                               static_cast<double>(image.width)),
            rounded};
  }
  return {rounded, static_cast<Index>(exact * static_cast<double>(image.width) /
                                      static_cast<double>(image.height))};
}

/// `image` divided by one ratio, both sides rounded to nearest, ties to even (timm's
/// ResizeKeepRatio): the smaller or the larger one of the two ratios to `target`.
inline Size keep_ratio(const Size& image, const Size& target, ResizeRule rule) {
  const auto height = static_cast<double>(image.height);
  const auto width = static_cast<double>(image.width);
  const double by_height = height / static_cast<double>(target.height);
  const double by_width = width / static_cast<double>(target.width);
  const double ratio =
      rule == ResizeRule::cover ? std::min(by_height, by_width) : std::max(by_height, by_width);
  return {static_cast<Index>(std::nearbyint(height / ratio)),
          static_cast<Index>(std::nearbyint(width / ratio))};
}

/// One axis of the cut: which part of the resized image is seen, and where in the result it lies.
struct CutAxis {
  Index first = 0;   ///< in the resized image
  Index count = 0;   ///< of both
  Index before = 0;  ///< fill before it in the result
};

inline CutAxis cut_axis(Index resized, Index size, CropRounding rounding) {
  if (resized >= size) {
    const Index lost = resized - size;
    return {rounding == CropRounding::down ? lost / 2 : half_to_even(lost), size, 0};
  }
  const Index missing = size - resized;
  return {0, resized, rounding == CropRounding::down ? (missing + 1) / 2 : missing / 2};
}

}  // namespace detail

TESSERA_INLINE Size resized_size(const Size& image, const Preprocessing& how) {
  detail::require_size(image, "resized_size");
  Size size = image;
  switch (how.resize) {
    case ResizeRule::none:
      break;
    case ResizeRule::exact:
      size = how.resized;
      break;
    case ResizeRule::shorter_side:
      if (how.shorter_side <= 0) {
        refuse("resized_size", "shorter_side ", how.shorter_side, " is not positive");
      }
      size = how.longer_side > 0 ? detail::with_longer_side(image, how)
                                 : with_shorter_side(image, how.shorter_side);
      break;
    case ResizeRule::cover:
    case ResizeRule::contain:
      detail::require_size(how.resized, "resized_size");
      size = detail::keep_ratio(image, how.resized, how.resize);
      break;
  }
  if (!(size.height > 0 && size.width > 0)) {
    refuse("resized_size", "image of ", image, " pixels would become ", size);
  }
  if (size.height > max_whole_pixels / size.width) {
    refuse("resized_size", "image of ", image, " pixels would become ", size,
           " before the cut, more than the limit of ", max_whole_pixels, " pixels");
  }
  return size;
}

TESSERA_INLINE Image fit_image(const Image& image, const Preprocessing& how) {
  detail::require_image(image, "fit_image");
  detail::require_size(how.size, "fit_image");
  const Size resized = resized_size(size_of(image), how);
  const detail::CutAxis rows = detail::cut_axis(resized.height, how.size.height, how.rounding);
  const detail::CutAxis columns = detail::cut_axis(resized.width, how.size.width, how.rounding);
  Image part = resize_part(image, resized, {rows.first, columns.first, rows.count, columns.count},
                           how.filter);
  if (size_of(part) == how.size) return part;
  Image filled = Image::empty({how.size.height, how.size.width, 3});
  for (Index pixel = 0; pixel < how.size.count(); ++pixel) {
    std::copy_n(how.fill.data(), 3, filled.data() + 3 * pixel);
  }
  for (Index row = 0; row < rows.count; ++row) {
    std::copy_n(&part(row, 0, 0), columns.count * 3, &filled(rows.before + row, columns.before, 0));
  }
  return filled;
}

}  // namespace tessera::io
