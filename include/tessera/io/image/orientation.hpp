#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "tessera/io/image/image.hpp"

namespace tessera::io {

namespace detail {

/// A number of `Bytes` bytes at an offset of a TIFF structure, in its byte order; nothing if it
/// does not lie within.
template <std::size_t Bytes>
std::optional<std::uint32_t> tiff_number(std::span<const std::byte> tiff, std::size_t offset,
                                         bool big_endian) {
  if (offset > tiff.size() || tiff.size() - offset < Bytes) return {};
  std::uint32_t number = 0;
  for (std::size_t i = 0; i < Bytes; ++i) {
    const std::size_t place = big_endian ? i : Bytes - 1 - i;
    number = number << 8 | std::to_integer<std::uint32_t>(tiff[offset + place]);
  }
  return number;
}

/// The orientation, 1 to 8, in EXIF data, which are a TIFF structure (EXIF 2.32, 4.6.4, tag
/// 0x0112); 1, "as stored", where there is none or the data are broken.
inline int exif_orientation(std::span<const std::byte> tiff) {
  if (tiff.size() < 8 || tiff[0] != tiff[1]) return 1;
  const bool big_endian = tiff[0] == std::byte{'M'};
  if (!big_endian && tiff[0] != std::byte{'I'}) return 1;
  if (tiff_number<2>(tiff, 2, big_endian) != 42U) return 1;
  const auto table = tiff_number<4>(tiff, 4, big_endian);
  const auto entries = table ? tiff_number<2>(tiff, *table, big_endian) : std::nullopt;
  for (std::size_t i = 0; entries && i < *entries; ++i) {
    const std::size_t entry = *table + 2 + 12 * i;  // tag, type, count, value
    const auto tag = tiff_number<2>(tiff, entry, big_endian);
    if (!tag) return 1;
    if (*tag != 0x0112) continue;
    constexpr std::uint32_t short_type = 3;
    if (tiff_number<2>(tiff, entry + 2, big_endian) != short_type) return 1;
    const auto value = tiff_number<2>(tiff, entry + 8, big_endian);
    return value && *value >= 1 && *value <= 8 ? static_cast<int>(*value) : 1;
  }
  return 1;
}

}  // namespace detail

/// The picture turned and mirrored as EXIF's orientation says: 1 as it is, 2 mirrored left to
/// right, 3 turned by half, 4 mirrored top to bottom, 5 transposed, 6 turned clockwise, 7 mirrored
/// at the other diagonal, 8 turned counterclockwise. Throws std::invalid_argument on others.
inline Image upright(Image image, int orientation) {
  detail::require_image(image, "upright");
  if (orientation < 1 || orientation > 8) {
    refuse("upright", "orientation ", orientation, " is not between 1 and 8");
  }
  if (orientation == 1) return image;
  const Index height = image.dim(0);
  const Index width = image.dim(1);
  const bool transposed = orientation >= 5;
  const bool from_bottom =
      orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
  const bool from_right =
      orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
  Image turned = transposed ? Image::empty({width, height, 3}) : Image::empty({height, width, 3});
  for (Index row = 0; row < turned.dim(0); ++row) {
    for (Index column = 0; column < turned.dim(1); ++column) {
      const Index down = transposed ? column : row;
      const Index along = transposed ? row : column;
      std::copy_n(
          &image(from_bottom ? height - 1 - down : down, from_right ? width - 1 - along : along, 0),
          3, &turned(row, column, 0));
    }
  }
  return turned;
}

}  // namespace tessera::io
