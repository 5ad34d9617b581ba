#pragma once

#include <algorithm>
#include <cmath>
#include <string_view>
#include <vector>

#include "tessera/core/random/generator.hpp"
#include "tessera/core/size.hpp"
#include "tessera/data/augment/blur.hpp"
#include "tessera/data/augment/color.hpp"
#include "tessera/data/augment/crop.hpp"
#include "tessera/io/image/resize.hpp"
#include "tessera/io/image/to_tensor.hpp"

namespace tessera::data {

/// The part of a picture that a view shows.
enum class Framing {
  random_resized_crop,  ///< a random box, resized: torchvision's RandomResizedCrop
  center_crop,          ///< the shorter side resized to View::shorter_side, then the middle
  whole                 ///< all of the picture, resized without regard to its proportions
};

/// One input of a model made of a picture. The steps come in this order, each draws from the
/// generator as torchvision's transform of that name, and a probability of 0 leaves a step out, so
/// that it draws nothing. The blur is Pillow's, as in DINO's code: torchvision's own is another
/// filter.
struct View {
  Index count = 1;  ///< views of this kind of each picture
  Size size{224, 224};
  Framing framing = Framing::random_resized_crop;
  CropRange crop = {};       ///< for random_resized_crop
  Index shorter_side = 256;  ///< for center_crop
  io::Filter filter = io::Filter::bicubic;

  double flip = 0;  ///< probability: RandomHorizontalFlip

  ColorJitter jitter = {};
  double jitter_probability = 0;  ///< RandomApply([ColorJitter])
  double gray = 0;                ///< probability: RandomGrayscale

  double blur = 0;  ///< probability of a Gaussian blur with a deviation from [blur_low, blur_high]
  double blur_low = 0.1;
  double blur_high = 2.0;

  double solarize = 0;  ///< probability: RandomSolarize
  int solarize_threshold = 128;
};

/// All views of a picture that a method trains on, and how they become numbers.
struct Augmentation {
  std::vector<View> views;
  io::Normalization normalization = {};
};

namespace detail {

inline void check_probability(std::string_view op, std::string_view name, double probability) {
  if (!(probability >= 0 && probability <= 1)) {
    refuse(op, name, " = ", probability, " is not a probability");
  }
}

inline void check_view(std::string_view op, const View& view) {
  if (view.count < 1) refuse(op, "a view's count = ", view.count, " is not positive");
  io::detail::require_size(view.size, op);
  if (view.framing == Framing::random_resized_crop) check_crop_range(op, view.crop);
  const Index longer_side = std::max(view.size.height, view.size.width);
  if (view.framing == Framing::center_crop && view.shorter_side < longer_side) {
    refuse(op, "shorter_side = ", view.shorter_side, " leaves no crop of ", view.size);
  }
  check_probability(op, "flip", view.flip);
  check_probability(op, "jitter_probability", view.jitter_probability);
  check_probability(op, "gray", view.gray);
  check_probability(op, "blur", view.blur);
  check_probability(op, "solarize", view.solarize);
  const ColorJitter& jitter = view.jitter;
  for (const double strength :
       {jitter.brightness, jitter.contrast, jitter.saturation, jitter.hue}) {
    if (!(strength >= 0 && strength <= 100)) {
      refuse(op, "a color jitter of ", strength, " is not in [0, 100]");
    }
  }
  if (jitter.hue > 0.5) refuse(op, "a color jitter of hue ", jitter.hue, " is above 0.5");
  if (!(view.blur_low >= 0 && view.blur_low <= view.blur_high && view.blur_high <= 1000)) {
    refuse(op, "blur from ", view.blur_low, " to ", view.blur_high, " is no range in [0, 1000]");
  }
}

/// True with that probability, by torch.rand(1) < probability; nothing is drawn for 0.
inline bool happens(double probability, Generator& generator) {
  return probability > 0 && static_cast<double>(generator.uniform<float>()) < probability;
}

inline io::Image framed(const io::Image& image, const View& view, Generator& generator) {
  switch (view.framing) {
    case Framing::random_resized_crop:
      return random_resized_crop(image, view.size, view.crop, generator, view.filter);
    case Framing::center_crop: {
      // Only the pixels of the crop are made: a thin picture would take gigabytes otherwise.
      const Size resized = io::with_shorter_side(io::size_of(image), view.shorter_side);
      const Index top = io::detail::half_to_even(resized.height - view.size.height);
      const Index left = io::detail::half_to_even(resized.width - view.size.width);
      return io::resize_part(image, resized, {top, left, view.size.height, view.size.width},
                             view.filter);
    }
    case Framing::whole:
      break;
  }
  if (io::size_of(image) == view.size) return image;
  return io::resize(image, view.size, view.filter);
}

}  // namespace detail

/// Throws std::invalid_argument "op: reason" unless there is a view and each can be made.
inline void check_augmentation(std::string_view op, const Augmentation& augmentation) {
  if (augmentation.views.empty()) refuse(op, "the augmentation has no views");
  for (const View& view : augmentation.views) detail::check_view(op, view);
  io::detail::require_normalization(augmentation.normalization, op);
}

/// image [H, W, 3] -> [view.size.height, view.size.width, 3], one view of it.
inline io::Image augmented(const io::Image& image, const View& view, Generator& generator) {
  io::Image seen = detail::framed(image, view, generator);
  if (detail::happens(view.flip, generator)) seen = io::flip_horizontally(seen);
  // RandomApply goes on if probability >= rand, the other transforms if rand < probability.
  if (view.jitter_probability > 0 &&
      static_cast<double>(generator.uniform<float>()) <= view.jitter_probability) {
    jitter_colors(seen, view.jitter, generator);
  }
  if (detail::happens(view.gray, generator)) make_gray(seen);
  if (detail::happens(view.blur, generator)) {
    const auto low = static_cast<float>(view.blur_low);
    const auto high = static_cast<float>(view.blur_high);
    gaussian_blur(seen, static_cast<double>(generator.uniform(low, high)));
  }
  if (detail::happens(view.solarize, generator)) solarize(seen, view.solarize_threshold);
  return seen;
}

/// MAE's pre-training (facebookresearch/mae, main_pretrain.py): a bicubic crop of 20 to 100 % of
/// the picture, flipped half of the time.
inline Augmentation mae_augmentation(Index image_size) {
  return {.views = {{.size = {image_size, image_size}, .crop = {.area_low = 0.2}, .flip = 0.5}}};
}

/// I-JEPA's pre-training (facebookresearch/ijepa, src/transforms.py and configs): a bilinear crop
/// of 30 to 100 % of the picture, not flipped.
inline Augmentation ijepa_augmentation(Index image_size) {
  return {.views = {{.size = {image_size, image_size},
                     .crop = {.area_low = 0.3},
                     .filter = io::Filter::bilinear}}};
}

/// DINO's pre-training (Caron et al. 2021; facebookresearch/dino, main_dino.py): two global crops,
/// one always blurred, the other seldom and sometimes solarized, and `local_views` small crops.
inline Augmentation dino_augmentation(Index image_size = 224, Index local_size = 96,
                                      Index local_views = 8) {
  const View global{.size = {image_size, image_size},
                    .crop = {.area_low = 0.4},
                    .flip = 0.5,
                    .jitter = {.brightness = 0.4, .contrast = 0.4, .saturation = 0.2, .hue = 0.1},
                    .jitter_probability = 0.8,
                    .gray = 0.2,
                    .blur = 1.0};
  View second = global;
  second.blur = 0.1;
  second.solarize = 0.2;
  View local = global;
  local.count = local_views;
  local.size = {local_size, local_size};
  local.crop = {.area_low = 0.05, .area_high = 0.4};
  local.blur = 0.5;
  Augmentation augmentation{.views = {global, second}};
  if (local_views > 0) augmentation.views.push_back(local);
  return augmentation;
}

/// The view that features are extracted from: the middle of the picture, nothing random. The
/// shorter side is resized to 256 / 224 of the crop, the customary ratio of ImageNet's evaluation.
inline Augmentation evaluation_view(Index image_size, io::Filter filter = io::Filter::bicubic) {
  return {.views = {{.size = {image_size, image_size},
                     .framing = Framing::center_crop,
                     .shorter_side = image_size * 256 / 224,
                     .filter = filter}}};
}

/// All of the picture at another size, for sets whose pictures have one small size already.
inline Augmentation whole_view(Index image_size, io::Filter filter = io::Filter::bicubic) {
  return {
      .views = {{.size = {image_size, image_size}, .framing = Framing::whole, .filter = filter}}};
}

}  // namespace tessera::data
