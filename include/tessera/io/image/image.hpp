#pragma once

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>

#include "tessera/core/size.hpp"
#include "tessera/core/tensor.hpp"

namespace tessera::io {

/// [height, width, 3]: red, green, blue, 0 to 255, rows from the top.
using Image = Tensor<std::uint8_t, 3>;

/// Part of an image.
struct ImageBox {
  Index top = 0;
  Index left = 0;
  Index height = 0;
  Index width = 0;
  friend bool operator==(const ImageBox&, const ImageBox&) = default;
};

inline Size size_of(const Image& image) { return {image.dim(0), image.dim(1)}; }

/// Pillow's limit, half a GiB of 3 bytes each: pictures with more pixels are refused before
/// memory is taken for them, and nothing is resized to more.
inline constexpr Index default_max_pixels = 178'956'970;

namespace detail {

inline void require_image(const Image& image, std::string_view op) {
  if (!(image.dim(0) > 0 && image.dim(1) > 0 && image.dim(2) == 3)) {
    refuse(op, "image has shape ", image.shape(), ", but [height, width, 3] is needed, not empty");
  }
}

inline void require_size(const Size& size, std::string_view op) {
  if (!(size.height > 0 && size.width > 0)) refuse(op, "size ", size, " is not positive");
}

/// True if the box is not empty and within an image of that size.
inline bool lies_within(const ImageBox& box, const Size& size) {
  return box.height > 0 && box.width > 0 && box.top >= 0 && box.left >= 0 &&
         box.top <= size.height - box.height && box.left <= size.width - box.width;
}

/// value / 2, rounded to nearest, ties to even, as Python's round.
constexpr Index half_to_even(Index value) { return value / 2 + (value % 4 == 3 ? 1 : 0); }

}  // namespace detail

/// image [H, W, 3] -> [box.height, box.width, 3]. Throws std::invalid_argument if the box is empty
/// or leaves the image.
inline Image crop(const Image& image, const ImageBox& box) {
  detail::require_image(image, "crop");
  if (!detail::lies_within(box, size_of(image))) {
    refuse("crop", "box of ", Size{box.height, box.width}, " at row ", box.top, ", column ",
           box.left, " does not lie in image ", image.shape());
  }
  Image part = Image::empty({box.height, box.width, 3});
  for (Index row = 0; row < box.height; ++row) {
    std::copy_n(&image(box.top + row, box.left, 0), box.width * 3, &part(row, 0, 0));
  }
  return part;
}

/// The middle of the image; odd remainders are rounded as torchvision does. Throws
/// std::invalid_argument if the image is smaller than `size`.
inline Image center_crop(const Image& image, const Size& size) {
  detail::require_image(image, "center_crop");
  detail::require_size(size, "center_crop");
  if (!(size.height <= image.dim(0) && size.width <= image.dim(1))) {
    refuse("center_crop", "image ", image.shape(), " is smaller than the crop of ", size);
  }
  return crop(image, {detail::half_to_even(image.dim(0) - size.height),
                      detail::half_to_even(image.dim(1) - size.width), size.height, size.width});
}

/// Left and right exchanged.
inline Image flip_horizontally(const Image& image) {
  detail::require_image(image, "flip_horizontally");
  Image flipped = Image::empty(image.shape());
  for (Index row = 0; row < image.dim(0); ++row) {
    for (Index column = 0; column < image.dim(1); ++column) {
      std::copy_n(&image(row, column, 0), 3, &flipped(row, image.dim(1) - 1 - column, 0));
    }
  }
  return flipped;
}

/// Images of one height from left to right, white gaps of `gap` pixels between them. Throws
/// std::invalid_argument if there is none or the heights differ.
inline Image side_by_side(std::span<const Image> images, Index gap = 4) {
  if (images.empty()) refuse("side_by_side", "no images");
  if (gap < 0) refuse("side_by_side", "gap ", gap, " is negative");
  Index width = -gap;
  for (const Image& image : images) {
    detail::require_image(image, "side_by_side");
    if (image.dim(0) != images[0].dim(0)) {
      refuse("side_by_side", "images ", images[0].shape(), " and ", image.shape(),
             " differ in height");
    }
    width += gap + image.dim(1);
  }
  Image joined({images[0].dim(0), width, 3}, 255);
  Index left = 0;
  for (const Image& image : images) {
    for (Index row = 0; row < image.dim(0); ++row) {
      std::copy_n(&image(row, 0, 0), image.dim(1) * 3, &joined(row, left, 0));
    }
    left += image.dim(1) + gap;
  }
  return joined;
}
inline Image side_by_side(std::initializer_list<Image> images, Index gap = 4) {
  return side_by_side(std::span<const Image>(images.begin(), images.size()), gap);
}

}  // namespace tessera::io
