#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

#include "tessera/io/image/image.hpp"
#include "tessera/io/image/resize.hpp"
#include "tessera/masking/token_index.hpp"

namespace example {

using tessera::Index;
using tessera::io::Image;
using tessera::io::ImageBox;

using Color = std::array<int, 3>;

inline constexpr Color white{255, 255, 255};

/// Mixes a color into part of an image: 0 leaves it, 1 paints it over.
inline void tint(Image& image, const ImageBox& box, const Color& color, double amount) {
  for (Index row = box.top; row < box.top + box.height; ++row) {
    for (Index column = box.left; column < box.left + box.width; ++column) {
      for (Index c = 0; c < 3; ++c) {
        std::uint8_t& value = image(row, column, c);
        value = static_cast<std::uint8_t>((1 - amount) * value +
                                          amount * color[static_cast<std::size_t>(c)] + 0.5);
      }
    }
  }
}

/// Draws a frame of that many pixels inside a box.
inline void outline(Image& image, const ImageBox& box, const Color& color, Index thickness) {
  const Index bottom = box.top + box.height - thickness;
  const Index right = box.left + box.width - thickness;
  tint(image, {box.top, box.left, thickness, box.width}, color, 1);
  tint(image, {bottom, box.left, thickness, box.width}, color, 1);
  tint(image, {box.top, box.left, box.height, thickness}, color, 1);
  tint(image, {box.top, right, box.height, thickness}, color, 1);
}

/// Every pixel as a square of factor x factor.
inline Image enlarged(const Image& image, Index factor) {
  Image large = Image::empty({image.dim(0) * factor, image.dim(1) * factor, 3});
  for (Index row = 0; row < large.dim(0); ++row) {
    for (Index column = 0; column < large.dim(1); ++column) {
      std::copy_n(&image(row / factor, column / factor, 0), 3, &large(row, column, 0));
    }
  }
  return large;
}

/// Where patch number `index` of an image lies.
inline ImageBox patch_box(const Image& image, Index patch, Index index) {
  const Index columns = image.dim(1) / patch;
  return {index / columns * patch, index % columns * patch, patch, patch};
}

/// The image as the encoder sees it: masked patches gray, with seams.
inline Image with_masked(Image image, const tessera::TokenIndex& masked, Index b, Index patch,
                         Index num_prefix_tokens) {
  for (Index k = 0; k < masked.dim(1); ++k) {
    const ImageBox box = patch_box(image, patch, masked(b, k) - num_prefix_tokens);
    tint(image, box, {150, 150, 150}, 1);
    tint(image, {box.top, box.left, 1, patch}, {175, 175, 175}, 1);
    tint(image, {box.top, box.left, patch, 1}, {175, 175, 175}, 1);
  }
  return image;
}

/// Images of one width from top to bottom, white gaps between them.
inline Image stacked(std::span<const Image> images, Index gap) {
  Index height = -gap;
  for (const Image& image : images) height += image.dim(0) + gap;
  Image joined({height, images[0].dim(1), 3}, 255);
  Index top = 0;
  for (const Image& image : images) {
    std::copy(image.begin(), image.end(), &joined(top, 0, 0));
    top += image.dim(0) + gap;
  }
  return joined;
}

}  // namespace example
