#pragma once

#include <webp/decode.h>

#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tessera/io/file/fail.hpp"
#include "tessera/io/image/format.hpp"
#include "tessera/io/image/orientation.hpp"
#include "tessera/io/image/read_options.hpp"

// Only where the build found libwebp and so defines TESSERA_HAS_WEBP: see read_impl.hpp.

namespace tessera::io::detail {

/// Contents of the EXIF chunk, empty if there is none. A WebP is a RIFF file: from byte 12 on a
/// list of chunks with a name, a length in little endian, and data, padded to an even number of
/// bytes.
inline std::span<const std::byte> exif_of_webp(std::span<const std::byte> webp) {
  for (webp = webp.subspan(12); webp.size() >= 8;) {
    const std::size_t length = *tiff_number<4>(webp, 4, false);
    if (length > webp.size() - 8) break;
    const auto data = webp.subspan(8, length);
    if (begins_with(webp, 0, "EXIF")) {  // some writers begin it as in a JPEG
      return begins_with(data, 0, {"Exif\0\0", 6}) ? data.subspan(6) : data;
    }
    webp = webp.subspan(std::min(8 + length + length % 2, webp.size()));
  }
  return {};
}

/// Decodes a WebP, lossy or lossless, to RGB as Pillow's convert("RGB") does: alpha is dropped.
/// Throws std::runtime_error "label: reason" on broken data, animations and more than
/// options.max_pixels.
inline Image decode_webp(std::span<const std::byte> bytes, const std::string& label,
                         const ReadOptions& options) {
  if (!is_webp(bytes)) refuse_file(label, "is not a WebP");
  const auto* data = reinterpret_cast<const std::uint8_t*>(bytes.data());
  WebPBitstreamFeatures features;
  if (WebPGetFeatures(data, bytes.size(), &features) != VP8_STATUS_OK) {
    refuse_file(label, "broken WebP");
  }
  if (features.has_animation) refuse_file(label, "is an animated WebP; only still ones are read");
  const Size size{features.height, features.width};
  if (size.height > options.max_pixels / size.width) {
    refuse_file(label, size, " pixels are more than the limit of ", options.max_pixels);
  }
  // A few bytes may claim, and lossless ones even hold, a large picture of one color. Beyond 4
  // million pixels a byte for each 65536 is asked for, far less than any photograph has, so that a
  // broken file of some bytes costs some megabytes at most.
  if ((size.count() - (Index{4} << 20)) / 65536 > static_cast<Index>(bytes.size())) {
    refuse_file(label, bytes.size(), " bytes are too few for a WebP of ", size, " pixels");
  }
  Image image = Image::empty({size.height, size.width, 3});
  const int row_bytes = 3 * features.width;
  if (WebPDecodeRGBInto(data, bytes.size(), image.data(), static_cast<std::size_t>(image.size()),
                        row_bytes) == nullptr) {
    refuse_file(label, "broken WebP");
  }
  if (options.orientation == Orientation::as_stored) return image;
  return upright(std::move(image), exif_orientation(exif_of_webp(bytes)));
}

}  // namespace tessera::io::detail
