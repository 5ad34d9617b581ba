#pragma once

#include "tessera/core/error.hpp"

namespace tessera {

/// Height and width: of an image in pixels, or of a grid in patches.
struct Size {
  Index height = 0;
  Index width = 0;

  /// Throws std::invalid_argument if that is beyond what an Index holds.
  Index count() const;
  friend bool operator==(const Size&, const Size&) = default;
};

/// "14 x 16", as error messages print it.
inline void append_text(std::string& text, const Size& size) {
  text += std::to_string(size.height) + " x " + std::to_string(size.width);
}

inline Index Size::count() const {
  Index product = 0;
  if (__builtin_mul_overflow(height, width, &product)) refuse("Size", *this, " is too large");
  return product;
}

/// Patches that cover an image. Throws std::invalid_argument unless they do so exactly.
inline Size patch_grid(std::string_view op, const Size& image, Index patch) {
  if (patch <= 0) refuse(op, "patch size ", patch, " must be positive");
  if (!(image.height > 0 && image.width > 0 && image.height % patch == 0 &&
        image.width % patch == 0)) {
    refuse(op, "image size ", image, " is not a positive multiple of the patch size ", patch);
  }
  return {image.height / patch, image.width / patch};
}

}  // namespace tessera
