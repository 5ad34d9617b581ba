#pragma once

#include "tessera/core/error.hpp"

namespace tessera {

/// Height and width: of an image in pixels, or of a grid in patches.
struct Size {
  constexpr Size() = default;
  constexpr Size(Index rows, Index columns) : height(rows), width(columns) {}
  /// A square, so that `.image_size = 224` is what it looks like.
  constexpr Size(Index side) : Size(side, side) {}

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

}  // namespace tessera
