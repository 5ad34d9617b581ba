#pragma once

#include "tessera/core/size.hpp"
#include "tessera/io/image/image.hpp"

namespace tessera::io {

/// The way up that a picture is read. Cameras store what the sensor saw and note in EXIF how it was
/// held.
enum class Orientation {
  as_stored,  ///< as Pillow's Image.open, and so timm
  upright,    ///< turned by EXIF's orientation, as Pillow's exif_transpose, and so transformers
};

/// The damage that is passed over.
enum class Strictness {
  strict,  ///< none
  /// Damage that Pillow passes over too. JPEG: all that libjpeg warns about, such as a scan that
  /// ends early, but for a file that ends early. PNG: whatever comes after the last row, a missing
  /// end for instance, and wrong check sums of pixel data. Each becomes a warning.
  as_pillow,
};

/// The 8 bits that are kept of gray pixels of 16 bits.
enum class DeepGray {
  upper_byte,  ///< of all 16
  used_bits,   ///< of as many bits as the picture's largest value has: 4 to 11 where that is 4095
};

/// Choices in reading pictures. The defaults change and pass over nothing.
struct ReadOptions {
  /// A picture with more pixels is refused before memory is taken for them.
  Index max_pixels = default_max_pixels;
  Orientation orientation = Orientation::as_stored;
  Strictness strictness = Strictness::strict;
  DeepGray deep_gray = DeepGray::upper_byte;
};

}  // namespace tessera::io
