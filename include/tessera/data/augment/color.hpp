#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "tessera/core/random/distributions.hpp"
#include "tessera/io/image/image.hpp"

namespace tessera::data {

// Colors as Pillow changes them, bit for bit, for torchvision's transforms of PIL images call it.

namespace detail {

inline void check_factor(std::string_view op, double factor) {
  if (!(factor >= 0 && factor <= 1e6)) refuse(op, "factor = ", factor, " is not in [0, 1e6]");
}

/// Pillow's Image.blend of two values: `from` at factor 0, `to` at factor 1, beyond them outside.
/// Pillow multiplies and adds in float, truncates, and clips. The product is rounded by a cast, so
/// that no compiler joins it with the sum, which would round once and give other bits.
inline std::uint8_t blend(std::uint8_t from, std::uint8_t to, float factor) {
  const auto step = static_cast<float>(static_cast<double>(factor) * (to - from));
  return static_cast<std::uint8_t>(std::clamp(static_cast<float>(from) + step, 0.0F, 255.0F));
}

/// Pillow's convert("L"): ITU-R 601-2 luma in 16-bit fixed point.
inline std::uint8_t luma(const std::uint8_t* rgb) {
  return static_cast<std::uint8_t>((rgb[0] * 19595U + rgb[1] * 38470U + rgb[2] * 7471U + 0x8000U) >>
                                   16);
}

/// Calls change(rgb) for each pixel of the image.
template <class Change>
void for_each_pixel(io::Image& image, const Change& change) {
  for (std::uint8_t* rgb = image.begin(); rgb != image.end(); rgb += 3) change(rgb);
}

/// Pillow's convert("HSV") of one pixel: hue, saturation, value, 0 to 255 each.
inline std::array<std::uint8_t, 3> hsv_of(const std::uint8_t* rgb) {
  const std::uint8_t largest = std::max({rgb[0], rgb[1], rgb[2]});
  const std::uint8_t smallest = std::min({rgb[0], rgb[1], rgb[2]});
  if (largest == smallest) return {0, 0, largest};
  const auto range = static_cast<float>(largest - smallest);
  const auto below = [&](int channel) {
    return static_cast<float>(largest - rgb[channel]) / range;
  };
  const float red = below(0);
  const float green = below(1);
  const float blue = below(2);
  float hue = 0;
  if (rgb[0] == largest) {
    hue = blue - green;
  } else if (rgb[1] == largest) {
    hue = static_cast<float>(2.0 + red - blue);
  } else {
    hue = static_cast<float>(4.0 + green - red);
  }
  hue = static_cast<float>(std::fmod(hue / 6.0 + 1.0, 1.0));
  const float saturation = range / static_cast<float>(largest);
  return {static_cast<std::uint8_t>(hue * 255.0), static_cast<std::uint8_t>(saturation * 255.0),
          largest};
}

/// Pillow's convert("RGB") of one HSV pixel.
inline std::array<std::uint8_t, 3> rgb_of(const std::array<std::uint8_t, 3>& hsv) {
  const std::uint8_t value = hsv[2];
  if (hsv[1] == 0) return {value, value, value};
  const double sixths = static_cast<double>(hsv[0]) * 6.0 / 255.0;  // of the color circle
  const double sector = std::floor(sixths);
  const auto within = static_cast<float>(sixths - sector);
  const auto saturation = static_cast<float>(hsv[1] / 255.0);
  const auto level = [&](double share) {
    return static_cast<std::uint8_t>(std::round(static_cast<double>(value) * (1.0 - share)));
  };
  const std::uint8_t low = level(static_cast<double>(saturation));
  const std::uint8_t falling = level(static_cast<double>(saturation * within));
  const std::uint8_t rising =
      level(static_cast<double>(saturation) * (1.0 - static_cast<double>(within)));
  switch (static_cast<int>(sector) % 6) {
    case 0:
      return {value, rising, low};
    case 1:
      return {falling, value, low};
    case 2:
      return {low, value, rising};
    case 3:
      return {low, falling, value};
    case 4:
      return {rising, low, value};
    default:
      return {value, low, falling};
  }
}

}  // namespace detail

/// Every value times `factor`: torchvision's adjust_brightness of a PIL image.
inline void adjust_brightness(io::Image& image, double factor) {
  detail::check_factor("adjust_brightness", factor);
  for (std::uint8_t& value : image) value = detail::blend(0, value, static_cast<float>(factor));
}

/// Away from the mean luma of the whole image, or towards it: torchvision's adjust_contrast.
inline void adjust_contrast(io::Image& image, double factor) {
  detail::check_factor("adjust_contrast", factor);
  std::uint64_t sum = 0;
  detail::for_each_pixel(image, [&](const std::uint8_t* rgb) { sum += detail::luma(rgb); });
  const double mean = static_cast<double>(sum) / static_cast<double>(image.size() / 3);
  const auto gray = static_cast<std::uint8_t>(mean + 0.5);
  for (std::uint8_t& value : image) value = detail::blend(gray, value, static_cast<float>(factor));
}

/// Away from the luma of each pixel, or towards it: torchvision's adjust_saturation.
inline void adjust_saturation(io::Image& image, double factor) {
  detail::check_factor("adjust_saturation", factor);
  detail::for_each_pixel(image, [&](std::uint8_t* rgb) {
    const std::uint8_t gray = detail::luma(rgb);
    for (int i = 0; i < 3; ++i) rgb[i] = detail::blend(gray, rgb[i], static_cast<float>(factor));
  });
}

/// Turns the color circle by `turn` of its length, in [-0.5, 0.5]: torchvision's adjust_hue, which
/// goes through Pillow's 8-bit HSV and loses color even if turn is 0. Throws std::invalid_argument
/// for another turn.
inline void adjust_hue(io::Image& image, double turn) {
  if (!(turn >= -0.5 && turn <= 0.5))
    refuse("adjust_hue", "turn = ", turn, " is not in [-0.5, 0.5]");
  const auto steps = static_cast<std::uint8_t>(static_cast<int>(turn * 255));  // modulo 256
  detail::for_each_pixel(image, [&](std::uint8_t* rgb) {
    std::array<std::uint8_t, 3> hsv = detail::hsv_of(rgb);
    hsv[0] = static_cast<std::uint8_t>(hsv[0] + steps);
    const std::array<std::uint8_t, 3> turned = detail::rgb_of(hsv);
    std::copy(turned.begin(), turned.end(), rgb);
  });
}

/// Red, green and blue become the luma.
inline void make_gray(io::Image& image) {
  detail::for_each_pixel(image, [](std::uint8_t* rgb) { std::fill_n(rgb, 3, detail::luma(rgb)); });
}

/// Values from `threshold` on become their negative: Pillow's ImageOps.solarize.
inline void solarize(io::Image& image, int threshold = 128) {
  for (std::uint8_t& value : image) {
    if (value >= threshold) value = static_cast<std::uint8_t>(255 - value);
  }
}

/// Ranges for changing colors at random: torchvision's ColorJitter. Factors are drawn from
/// [max(0, 1 - x), 1 + x], turns of the hue from [-hue, hue]; 0 leaves a property out and draws
/// nothing for it.
struct ColorJitter {
  double brightness = 0;
  double contrast = 0;
  double saturation = 0;
  double hue = 0;  ///< at most 0.5

  friend bool operator==(const ColorJitter&, const ColorJitter&) = default;
};

/// Changes the colors at random, in a random order, with the draws of torchvision's ColorJitter.
inline void jitter_colors(io::Image& image, const ColorJitter& jitter, Generator& generator) {
  const Tensor<Index, 1> order = randperm(4, generator);
  const auto draw = [&](double strength, double middle) -> std::optional<double> {
    if (strength <= 0) return std::nullopt;
    const double low = middle - strength;
    return static_cast<double>(
        generator.uniform(static_cast<float>(middle > 0 ? std::max(low, 0.0) : low),
                          static_cast<float>(middle + strength)));
  };
  const std::optional<double> brightness = draw(jitter.brightness, 1);
  const std::optional<double> contrast = draw(jitter.contrast, 1);
  const std::optional<double> saturation = draw(jitter.saturation, 1);
  const std::optional<double> hue = draw(jitter.hue, 0);
  for (const Index which : order) {
    if (which == 0 && brightness) adjust_brightness(image, *brightness);
    if (which == 1 && contrast) adjust_contrast(image, *contrast);
    if (which == 2 && saturation) adjust_saturation(image, *saturation);
    if (which == 3 && hue) adjust_hue(image, *hue);
  }
}

}  // namespace tessera::data
