#pragma once

// jpeglib.h needs size_t and FILE before it.
#include <csetjmp>
#include <cstddef>
#include <cstdio>
// clang-format off
#include <jpeglib.h>
#include <jerror.h>
// clang-format on

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "tessera/io/file/fail.hpp"
#include "tessera/io/file/file.hpp"
#include "tessera/io/image/image.hpp"

namespace tessera::io {

namespace detail {

/// A JPEG in memory on its way to pixels. libjpeg's error handler must not return, so it jumps;
/// whatever has a destructor lives in the callers of the functions that call setjmp.
class JpegDecoder {
 public:
  explicit JpegDecoder(std::span<const std::byte> bytes) : bytes_(bytes) {
    jpeg_.err = jpeg_std_error(&errors_.manager);
    errors_.manager.error_exit = failed;
    errors_.manager.emit_message = warned;
    progress_.progress_monitor = progressed;
  }
  JpegDecoder(const JpegDecoder&) = delete;
  JpegDecoder& operator=(const JpegDecoder&) = delete;
  ~JpegDecoder() { jpeg_destroy_decompress(&jpeg_); }

  /// Reads up to the first pixel data; false on error.
  bool read_header() {
    if (setjmp(errors_.return_point)) return false;
    jpeg_create_decompress(&jpeg_);
    jpeg_.progress = &progress_;
    jpeg_mem_src(&jpeg_, reinterpret_cast<const unsigned char*>(bytes_.data()), bytes_.size());
    jpeg_read_header(&jpeg_, TRUE);
    return true;
  }

  Index height() const { return jpeg_.image_height; }
  Index width() const { return jpeg_.image_width; }
  int channels() const { return jpeg_.num_components; }

  /// Decodes into [height, width, 3]; false on error.
  bool read_pixels(std::uint8_t* pixels) {
    if (setjmp(errors_.return_point)) return false;
    jpeg_.out_color_space = JCS_RGB;
    jpeg_start_decompress(&jpeg_);
    while (jpeg_.output_scanline < jpeg_.output_height) {
      JSAMPROW row = pixels + std::size_t{3} * jpeg_.output_scanline * jpeg_.output_width;
      jpeg_read_scanlines(&jpeg_, &row, 1);
    }
    jpeg_finish_decompress(&jpeg_);
    return true;
  }

  std::string_view message() const { return errors_.text.data(); }

 private:
  struct Errors {
    jpeg_error_mgr manager{};  // first: the handlers get a pointer to it
    std::jmp_buf return_point{};
    std::array<char, JMSG_LENGTH_MAX> text{};
  };

  [[noreturn]] static void failed(j_common_ptr jpeg) {
    auto& errors = *reinterpret_cast<Errors*>(jpeg->err);
    errors.manager.format_message(jpeg, errors.text.data());
    std::longjmp(errors.return_point, 1);
  }

  /// libjpeg fills missing pixels with gray and only warns; here that is an error.
  static void warned(j_common_ptr jpeg, int level) {
    if (level >= 0) return;
    switch (jpeg->err->msg_code) {
      case JWRN_ARITH_BAD_CODE:
      case JWRN_HIT_MARKER:
      case JWRN_HUFF_BAD_CODE:
      case JWRN_JPEG_EOF:
      case JWRN_MUST_RESYNC:
        failed(jpeg);
      default:
        break;
    }
  }

  /// A small progressive file can ask for endless passes over a large image.
  static void progressed(j_common_ptr jpeg) {
    if (!jpeg->is_decompressor) return;
    if (reinterpret_cast<j_decompress_ptr>(jpeg)->input_scan_number <= 500) return;
    auto& errors = *reinterpret_cast<Errors*>(jpeg->err);
    std::snprintf(errors.text.data(), errors.text.size(), "more than 500 scans");
    std::longjmp(errors.return_point, 1);
  }

  std::span<const std::byte> bytes_;
  Errors errors_;
  jpeg_progress_mgr progress_{};
  jpeg_decompress_struct jpeg_{};
};

}  // namespace detail

/// Whether `bytes` begin as a JPEG does.
inline bool is_jpeg(std::span<const std::byte> bytes) {
  return bytes.size() >= 3 && bytes[0] == std::byte{0xFF} && bytes[1] == std::byte{0xD8} &&
         bytes[2] == std::byte{0xFF};
}

/// Decodes a baseline or progressive JPEG (gray, YCbCr or RGB) to RGB, with libjpeg's defaults as
/// Pillow uses them. CMYK is refused; an EXIF orientation is not applied. Throws std::runtime_error
/// "label: reason" on broken or truncated data and on more than `max_pixels`, the latter before
/// memory is taken.
inline Image decode_jpeg(std::span<const std::byte> bytes, const std::string& label = "memory",
                         Index max_pixels = default_max_pixels) {
  if (!is_jpeg(bytes)) refuse_file(label, "is not a JPEG");
  detail::JpegDecoder decoder(bytes);
  if (!decoder.read_header()) refuse_file(label, "broken JPEG: ", decoder.message());
  const Index height = decoder.height();
  const Index width = decoder.width();
  if (height > max_pixels / width) {
    refuse_file(label, Size{height, width}, " pixels are more than the limit of ", max_pixels);
  }
  if (decoder.channels() != 1 && decoder.channels() != 3) {
    refuse_file(label, "JPEG with ", decoder.channels(),
                " channels is not supported; only gray and color with 3 are");
  }
  Image image = Image::empty({height, width, 3});
  if (!decoder.read_pixels(image.data())) {
    refuse_file(label, "broken JPEG: ", decoder.message());
  }
  return image;
}

}  // namespace tessera::io
