#pragma once

#include <cstdint>
#include <new>

#include "tessera/core/inline.hpp"
#include "tessera/io/file/fail.hpp"
#include "tessera/io/file/file.hpp"
#include "tessera/io/image/format.hpp"
#include "tessera/io/image/jpeg.hpp"
#include "tessera/io/image/png.hpp"
#include "tessera/io/image/read.hpp"
#ifdef TESSERA_HAS_WEBP
#include "tessera/io/image/webp.hpp"
#endif

namespace tessera::io {

namespace detail {

#ifdef TESSERA_HAS_WEBP
inline constexpr std::string_view read_formats = "PNG, JPEG and WebP are read";
#else
inline constexpr std::string_view read_formats = "PNG and JPEG are read";
inline Image decode_webp(std::span<const std::byte> /*bytes*/, const std::string& label,
                         const ReadOptions& /*options*/) {
  refuse_file(label, "is a WebP, which is read where Tessera is built with libwebp; ",
              read_formats);
}
#endif

}  // namespace detail

TESSERA_INLINE Image decode_image(std::span<const std::byte> bytes, const std::string& label,
                                  const ReadOptions& options, std::vector<std::string>* warnings) {
  try {
    if (is_png(bytes)) return decode_png(bytes, label, options, warnings);
    if (is_jpeg(bytes)) return decode_jpeg(bytes, label, options, warnings);
    if (detail::is_webp(bytes)) return detail::decode_webp(bytes, label, options);
  } catch (const std::bad_alloc&) {
    refuse_file(label, "memory does not suffice for the picture");
  }
  if (bytes.empty()) refuse_file(label, "is empty");
  const std::string_view format = detail::unread_format(bytes);
  if (format.empty()) refuse_file(label, "is no picture of a known format; ", detail::read_formats);
  refuse_file(label, "is ", format, "; ", detail::read_formats);
}

TESSERA_INLINE Image read_image(const std::filesystem::path& path, const ReadOptions& options,
                                std::vector<std::string>* warnings) {
  constexpr std::uint64_t max_bytes = std::uint64_t{1} << 30;
  std::vector<std::byte> bytes;
  try {
    bytes = read_file(path, max_bytes);
  } catch (const std::bad_alloc&) {
    refuse_file(path.string(), "memory does not suffice for the file");
  }
  return decode_image(bytes, path.string(), options, warnings);
}

}  // namespace tessera::io
