#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "tessera/io/file/fail.hpp"
#include "tessera/io/file/file.hpp"
#include "tessera/io/image/image.hpp"
#include "tessera/io/image/jpeg.hpp"
#include "tessera/io/image/png.hpp"
#include "tessera/io/image/resize.hpp"
#include "tessera/io/image/to_tensor.hpp"

namespace tessera::io {

/// Decodes a PNG or JPEG, told apart by its first bytes, to RGB: see decode_png and decode_jpeg.
/// Throws std::runtime_error "label: reason".
inline Image decode_image(std::span<const std::byte> bytes, const std::string& label = "memory",
                          Index max_pixels = default_max_pixels) {
  if (is_png(bytes)) return decode_png(bytes, label, max_pixels);
  if (is_jpeg(bytes)) return decode_jpeg(bytes, label, max_pixels);
  refuse_file(label, "is neither a PNG nor a JPEG");
}

/// decode_image of a file of at most 1 GiB, whatever its name ends in.
inline Image read_image(const std::filesystem::path& path, Index max_pixels = default_max_pixels) {
  return decode_image(read_file(path, std::uint64_t{1} << 30), path.string(), max_pixels);
}

}  // namespace tessera::io
