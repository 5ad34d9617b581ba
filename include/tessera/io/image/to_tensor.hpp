#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "tessera/core/tensor.hpp"
#include "tessera/io/image/image.hpp"

namespace tessera::io {

inline constexpr std::array<double, 3> imagenet_mean{0.485, 0.456, 0.406};
inline constexpr std::array<double, 3> imagenet_std{0.229, 0.224, 0.225};

/// Per channel: pixel -> (pixel / level - mean) / std. Published MAE and I-JEPA weights expect
/// ImageNet's numbers, the default.
struct Normalization {
  std::array<double, 3> mean = imagenet_mean;
  std::array<double, 3> std = imagenet_std;
  double level = 255;  ///< the pixel value that counts as 1
  friend bool operator==(const Normalization&, const Normalization&) = default;
};

/// Leaves values in [0, 1].
inline constexpr Normalization no_normalization{{0, 0, 0}, {1, 1, 1}};

namespace detail {

inline void require_normalization(const Normalization& normalization, std::string_view op) {
  for (std::size_t channel = 0; channel < 3; ++channel) {
    if (!(std::isfinite(normalization.mean[channel]) && std::isfinite(normalization.std[channel]) &&
          normalization.std[channel] > 0)) {
      refuse(op, "mean ", normalization.mean[channel], " and std ", normalization.std[channel],
             " of channel ", channel, " are not usable");
    }
  }
  if (!(std::isfinite(normalization.level) && normalization.level > 0)) {
    refuse(op, "level ", normalization.level, " is not usable");
  }
}

/// image [H, W, 3] -> values [3, H, W], in the order of operations of torchvision.
template <std::floating_point Scalar>
void normalize_into(const Image& image, const Normalization& normalization, Scalar* values) {
  const Index pixels = image.dim(0) * image.dim(1);
  for (std::size_t channel = 0; channel < 3; ++channel) {
    std::array<Scalar, 256> table;
    for (std::size_t level = 0; level < 256; ++level) {
      table[level] = (static_cast<Scalar>(level) / static_cast<Scalar>(normalization.level) -
                      static_cast<Scalar>(normalization.mean[channel])) /
                     static_cast<Scalar>(normalization.std[channel]);
    }
    const std::uint8_t* source = image.data() + channel;
    for (Index pixel = 0; pixel < pixels; ++pixel) *values++ = table[source[3 * pixel]];
  }
}

}  // namespace detail

/// image [H, W, 3] -> [3, H, W], normalized. Throws std::invalid_argument on an empty image.
template <std::floating_point Scalar>
Tensor<Scalar, 3> to_tensor(const Image& image, const Normalization& normalization = {}) {
  detail::require_image(image, "to_tensor");
  detail::require_normalization(normalization, "to_tensor");
  auto tensor = Tensor<Scalar, 3>::empty({3, image.dim(0), image.dim(1)});
  detail::normalize_into(image, normalization, tensor.data());
  return tensor;
}

/// images [H, W, 3] each -> [B, 3, H, W], normalized. Throws std::invalid_argument if there is none
/// or the sizes differ.
template <std::floating_point Scalar>
Tensor<Scalar, 4> to_batch(std::span<const Image> images, const Normalization& normalization = {}) {
  if (images.empty()) refuse("to_batch", "no images");
  detail::require_normalization(normalization, "to_batch");
  for (std::size_t i = 0; i < images.size(); ++i) {
    detail::require_image(images[i], "to_batch");
    if (images[i].shape() != images[0].shape()) {
      refuse("to_batch", "image ", i, " has shape ", images[i].shape(), ", image 0 ",
             images[0].shape());
    }
  }
  auto batch = Tensor<Scalar, 4>::empty(
      {static_cast<Index>(images.size()), 3, images[0].dim(0), images[0].dim(1)});
  for (std::size_t i = 0; i < images.size(); ++i) {
    detail::normalize_into(images[i], normalization,
                           batch.data() + static_cast<Index>(i) * images[i].size());
  }
  return batch;
}

/// The inverse: tensor [3, H, W] -> [H, W, 3], rounded to nearest, clamped to 0..255. Throws
/// std::invalid_argument if there are not three channels or a value is NaN.
template <std::floating_point Scalar>
Image to_image(const Tensor<Scalar, 3>& tensor, const Normalization& normalization = {}) {
  if (!(tensor.dim(0) == 3 && tensor.size() > 0)) {
    refuse("to_image", "tensor has shape ", tensor.shape(),
           ", but [3, height, width] is needed, not empty");
  }
  detail::require_normalization(normalization, "to_image");
  Image image = Image::empty({tensor.dim(1), tensor.dim(2), 3});
  const Index pixels = tensor.dim(1) * tensor.dim(2);
  for (Index channel = 0; channel < 3; ++channel) {
    const double mean = normalization.mean[static_cast<std::size_t>(channel)];
    const double std = normalization.std[static_cast<std::size_t>(channel)];
    const Scalar* source = tensor.data() + channel * pixels;
    for (Index pixel = 0; pixel < pixels; ++pixel) {
      const double level = (static_cast<double>(source[pixel]) * std + mean) * normalization.level;
      if (std::isnan(level)) {
        refuse("to_image", "value ", channel * pixels + pixel, " of tensor ", tensor.shape(),
               " is NaN");
      }
      image.data()[3 * pixel + channel] =
          static_cast<std::uint8_t>(std::clamp(std::floor(level + 0.5), 0.0, 255.0));
    }
  }
  return image;
}

/// Image `index` of a batch [B, 3, H, W].
template <std::floating_point Scalar>
Image to_image(const Tensor<Scalar, 4>& batch, Index index,
               const Normalization& normalization = {}) {
  if (!(index >= 0 && index < batch.dim(0))) {
    refuse("to_image", "index ", index, " is not in batch ", batch.shape());
  }
  const Shape<3> shape{batch.dim(1), batch.dim(2), batch.dim(3)};
  const auto count = static_cast<std::size_t>(element_count(shape));
  const Tensor<Scalar, 3> tensor(
      shape, batch.values().subspan(static_cast<std::size_t>(index) * count, count));
  return to_image(tensor, normalization);
}

}  // namespace tessera::io
