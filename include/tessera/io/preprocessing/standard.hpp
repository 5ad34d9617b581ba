#pragma once

#include <string_view>

#include "tessera/io/image/preprocessing.hpp"

namespace tessera::io::detail {

/// facebookresearch/mae, util/datasets.py (build_transform), which I-JEPA's and DINOv2's weights
/// take here too: up to 224 pixels the middle 7/8 of the picture, above it all of the shorter side.
/// No published code has images of unlike sides: they are squeezed.
inline Preprocessing mae_preprocessing(const Size& image_size) {
  Preprocessing how{.size = image_size, .shorter_side = 0};
  if (image_size.height != image_size.width) {
    how.resize = ResizeRule::exact;
    how.resized = image_size;
    return how;
  }
  const Index side = image_size.height;
  how.shorter_side = side <= 224 ? side * 256 / 224 : side;
  return how;
}

/// torchvision's presets for its ViTs (models/vision_transformer.py). IMAGENET1K_V1: 224 from 256,
/// bilinear. Those from SWAG, which are all that have patches of 14 or other sizes than 224: the
/// size itself, bicubic. The linear SWAG ones of 224 cannot be told from IMAGENET1K_V1 by their
/// tensors, and are taken for the latter.
inline Preprocessing torchvision_preprocessing(const Size& image_size, Index patch_size) {
  Preprocessing how = mae_preprocessing(image_size);
  if (image_size != Size{224, 224} || patch_size == 14) {
    if (how.resize == ResizeRule::shorter_side) how.shorter_side = image_size.height;
  } else {
    how.filter = Filter::bilinear;
  }
  return how;
}

}  // namespace tessera::io::detail
