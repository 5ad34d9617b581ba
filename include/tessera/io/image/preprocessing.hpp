#pragma once

#include <array>
#include <concepts>
#include <cstdint>

#include "tessera/io/image/resize.hpp"
#include "tessera/io/image/to_tensor.hpp"

namespace tessera::io {

/// The size that an image gets before its middle is cut out. Where the proportion is kept, sides
/// are rounded as the packages do, each in its own way.
enum class ResizeRule {
  none,          ///< not at all
  exact,         ///< to `resized`, whatever that does to the proportion
  shorter_side,  ///< the shorter side to `shorter_side`, the longer one to `longer_side` at most
  cover,         ///< to the smallest size that has `resized` within it (timm's ResizeKeepRatio)
  contain,       ///< to the largest size that lies within `resized` (the same with longest = 1)
};

/// Where the middle lies when an odd number of pixels is cut off.
enum class CropRounding {
  half_to_even,  ///< torchvision, and timm through it
  down,          ///< Hugging Face
};

/// The way from an image to the input of a model: resized, its middle cut out, normalized. Where
/// the resized image is smaller than the cut, it lies in the middle of `fill`. The defaults are
/// those of the MAE evaluation at 224 pixels.
struct Preprocessing {
  Size size{224, 224};  ///< of the result
  ResizeRule resize = ResizeRule::shorter_side;
  Index shorter_side = 256;  ///< where `resize` asks for it, else 0
  Index longer_side = 0;     ///< where `resize` asks for it; 0: not limited
  Size resized{};            ///< where `resize` asks for it, else 0 x 0
  Filter filter = Filter::bicubic;
  CropRounding rounding = CropRounding::half_to_even;
  std::array<std::uint8_t, 3> fill{};  ///< red, green, blue
  Normalization normalization = {};
  friend bool operator==(const Preprocessing&, const Preprocessing&) = default;
};

/// Size that an image is resized to, before the cut. Throws std::invalid_argument if that is empty
/// or more than max_whole_pixels.
Size resized_size(const Size& image, const Preprocessing& how);

/// image [H, W, 3] -> [size.height, size.width, 3], the part of it that the model sees. What is cut
/// away is never made. Throws std::invalid_argument on an empty image or size, and as resized_size.
Image fit_image(const Image& image, const Preprocessing& how);

/// fit_image, normalized: [3, size.height, size.width].
template <std::floating_point Scalar>
Tensor<Scalar, 3> preprocess(const Image& image, const Preprocessing& how) {
  return to_tensor<Scalar>(fit_image(image, how), how.normalization);
}

}  // namespace tessera::io

#ifndef TESSERA_COMPILED_LIB
#include "tessera/io/image/preprocessing_impl.hpp"
#endif
