#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "tessera/io/image/read_options.hpp"

namespace tessera::io {

/// True if `bytes` begin as a JPEG does.
bool is_jpeg(std::span<const std::byte> bytes);

/// Decodes a baseline or progressive JPEG (gray, YCbCr, RGB, CMYK or YCCK) to RGB, with libjpeg's
/// defaults as Pillow uses them; CMYK, which is stored inverted as Adobe's programs do it, becomes
/// RGB as in Pillow's convert("RGB"). Color profiles are not applied.
///
/// Memory: 3 bytes per pixel for the result. A progressive JPEG has all its coefficients in memory
/// besides, 2 bytes each: 6 more per pixel, 3 with chroma at half size both ways, 8 for CMYK.
///
/// Throws std::runtime_error "label: reason" on broken or truncated data, on more than
/// options.max_pixels, on coefficients for more than these, on data too short for their size, all
/// three before memory is taken, and on more than 500 scans. `warnings`, if not null, gets what was
/// passed over.
Image decode_jpeg(std::span<const std::byte> bytes, const std::string& label = "memory",
                  const ReadOptions& options = {}, std::vector<std::string>* warnings = nullptr);

}  // namespace tessera::io

#ifndef TESSERA_COMPILED_LIB
#include "tessera/io/image/jpeg_impl.hpp"
#endif
