#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <string_view>

namespace tessera::io::detail {

/// A format and the bytes that tell it.
struct FormatSign {
  std::string_view name;  ///< with its article, for messages
  std::size_t offset;     ///< of the sign
  std::string_view sign;
};

/// Formats that people have pictures in and that are not read here, or what else is found in place
/// of a picture. Longer signs stand before shorter ones that begin like them.
inline constexpr auto unread_formats = std::to_array<FormatSign>({
    {"a GIF", 0, "GIF8"},
    {"a BMP", 0, "BM"},
    {"a BigTIFF", 0, {"II+\0", 4}},
    {"a BigTIFF", 0, {"MM\0+", 4}},
    {"a TIFF", 0, {"II*\0", 4}},
    {"a TIFF", 0, {"MM\0*", 4}},
    {"a raw picture of a camera (ORF)", 0, "IIRO"},
    {"a raw picture of a camera (RW2)", 0, {"IIU\0", 4}},
    {"a raw picture of a camera (RAF)", 0, "FUJIFILMCCD-RAW"},
    {"a raw picture of a camera (CR3)", 4, "ftypcrx "},
    {"a JPEG XR", 0, "II\xBC"},
    {"an AVIF", 4, "ftypavif"},
    {"an AVIF sequence", 4, "ftypavis"},
    {"a HEIC", 4, "ftyphei"},
    {"a HEIC", 4, "ftyphev"},
    {"a HEIF", 4, "ftypmif1"},
    {"a HEIF sequence", 4, "ftypmsf1"},
    {"a video (QuickTime)", 4, "ftypqt"},
    {"a video (MP4)", 4, "ftyp"},
    {"a video (Matroska or WebM)", 0, "\x1A\x45\xDF\xA3"},
    {"a video (AVI)", 8, "AVI "},
    {"a JPEG 2000", 0, {"\0\0\0\x0CjP  ", 8}},
    {"a JPEG 2000", 0, "\xFF\x4F\xFF\x51"},
    {"a JPEG XL", 0, {"\0\0\0\x0CJXL ", 8}},
    {"a JPEG XL", 0, "\xFF\x0A"},
    {"a PSD (Photoshop)", 0, "8BPS"},
    {"a PDF", 0, "%PDF"},
    {"a PostScript file", 0, "%!PS"},
    {"an SVG", 0, "<svg"},
    {"an SVG or another XML file", 0, "<?xml"},
    {"an HTML page", 0, "<!DOCTYPE html"},
    {"an HTML page", 0, "<!doctype html"},
    {"an HTML page", 0, "<html"},
    {"an icon (ICO)", 0, {"\0\0\1\0", 4}},
    {"an icon (ICNS)", 0, "icns"},
    {"a PPM", 0, "P6"},
    {"a PPM", 0, "P3"},
    {"a PGM", 0, "P5"},
    {"a PGM", 0, "P2"},
    {"a PBM", 0, "P4"},
    {"a PBM", 0, "P1"},
    {"a PAM", 0, "P7"},
    {"a PFM", 0, "PF\n"},
    {"an OpenEXR", 0, "\x76\x2F\x31\x01"},
    {"a Radiance HDR", 0, "#?RADIANCE"},
    {"a DDS", 0, "DDS "},
    {"a QOI", 0, "qoif"},
    {"an MNG", 0, "\x8AMNG"},
    {"a JNG", 0, "\x8BJNG"},
    {"a FITS", 0, "SIMPLE  ="},
    {"a DICOM file", 128, "DICM"},
    {"a NumPy array (.npy)", 0, "\x93NUMPY"},
    {"an HDF5 file", 0, "\x89HDF"},
    {"a zip archive", 0, "PK\3\4"},
    {"gzip data", 0, "\x1F\x8B"},
    {"a Git LFS pointer, not the picture itself; git lfs pull brings it", 0,
     "version https://git-lfs"},
});

inline bool begins_with(std::span<const std::byte> bytes, std::size_t offset,
                        std::string_view sign) {
  return bytes.size() >= offset + sign.size() &&
         std::ranges::equal(bytes.subspan(offset, sign.size()),
                            std::as_bytes(std::span(sign.data(), sign.size())));
}

/// "a GIF", or "" if nothing is known that begins so.
inline std::string_view unread_format(std::span<const std::byte> bytes) {
  for (const FormatSign& format : unread_formats) {
    if (begins_with(bytes, format.offset, format.sign)) return format.name;
  }
  return "";
}

inline bool is_webp(std::span<const std::byte> bytes) {
  return begins_with(bytes, 0, "RIFF") && begins_with(bytes, 8, "WEBP");
}

}  // namespace tessera::io::detail
