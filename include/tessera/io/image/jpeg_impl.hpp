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
#include <utility>
#include <vector>

#include "tessera/core/inline.hpp"
#include "tessera/io/file/fail.hpp"
#include "tessera/io/image/format.hpp"
#include "tessera/io/image/jpeg.hpp"
#include "tessera/io/image/orientation.hpp"

namespace tessera::io {

namespace detail {

/// A row of CMYK, stored inverted, to RGB: Pillow's arithmetic (Convert.c, cmyk2rgb), in which a
/// product of two bytes is divided by 255 and rounded.
inline void rgb_of_inverted_cmyk(std::span<const std::uint8_t> cmyk, std::uint8_t* rgb) {
  const auto product = [](unsigned a, unsigned b) {
    const unsigned sum = a * b + 128;
    return ((sum >> 8) + sum) >> 8;
  };
  for (std::size_t i = 0; i + 3 < cmyk.size(); i += 4) {
    const unsigned light = cmyk[i + 3];
    for (std::size_t c = 0; c < 3; ++c) {
      *rgb++ = static_cast<std::uint8_t>(light - product(255U - cmyk[i + c], light));
    }
  }
}

/// A JPEG in memory on its way to pixels. libjpeg's error handler must not return, so it jumps;
/// whatever has a destructor lives in the callers of the functions that call setjmp.
class JpegDecoder {
 public:
  JpegDecoder(std::span<const std::byte> bytes, Strictness strictness) : bytes_(bytes) {
    jpeg_.err = jpeg_std_error(&errors_.manager);
    errors_.manager.error_exit = failed;
    errors_.manager.emit_message = warned;
    errors_.strictness = strictness;
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
  bool is_huffman() const { return jpeg_.arith_code == FALSE; }
  /// True if libjpeg keeps all coefficients until the last scan is read: progressive, or baseline
  /// with a scan for each channel.
  bool keeps_coefficients() { return jpeg_has_multiple_scans(&jpeg_) != FALSE; }

  /// Blocks of 8 x 8 coefficients, of all channels.
  std::size_t blocks() const {
    std::size_t count = 0;
    for (int i = 0; i < jpeg_.num_components; ++i) {
      count +=
          std::size_t{jpeg_.comp_info[i].width_in_blocks} * jpeg_.comp_info[i].height_in_blocks;
    }
    return count;
  }

  /// Decodes into [height, width, 3]; false on error. `cmyk` holds a row of 4 x width if there are
  /// 4 channels.
  bool read_pixels(std::uint8_t* pixels, std::span<std::uint8_t> cmyk) {
    if (setjmp(errors_.return_point)) return false;
    jpeg_.out_color_space = cmyk.empty() ? JCS_RGB : JCS_CMYK;
    jpeg_start_decompress(&jpeg_);
    while (jpeg_.output_scanline < jpeg_.output_height) {
      std::uint8_t* const target =
          pixels + std::size_t{3} * jpeg_.output_scanline * jpeg_.output_width;
      JSAMPROW row = cmyk.empty() ? target : cmyk.data();
      jpeg_read_scanlines(&jpeg_, &row, 1);
      if (!cmyk.empty()) rgb_of_inverted_cmyk(cmyk, target);
    }
    jpeg_finish_decompress(&jpeg_);
    return true;
  }

  std::string_view error() const { return errors_.error.data(); }
  std::string_view warning() const { return errors_.warning.data(); }

 private:
  struct Errors {
    jpeg_error_mgr manager{};  // first: the handlers get a pointer to it
    std::jmp_buf return_point{};
    std::array<char, JMSG_LENGTH_MAX> error{};
    std::array<char, JMSG_LENGTH_MAX> warning{};  // the first one
    Strictness strictness = Strictness::strict;
  };

  [[noreturn]] static void failed(j_common_ptr jpeg) {
    auto& errors = *reinterpret_cast<Errors*>(jpeg->err);
    errors.manager.format_message(jpeg, errors.error.data());
    std::longjmp(errors.return_point, 1);
  }

  /// libjpeg fills missing pixels with gray and only warns. Strictly that is an error. The end of
  /// the file always is, as in Pillow, which waits for more of it.
  static void warned(j_common_ptr jpeg, int level) {
    if (level >= 0) return;
    auto& errors = *reinterpret_cast<Errors*>(jpeg->err);
    switch (jpeg->err->msg_code) {
      case JWRN_JPEG_EOF:
        failed(jpeg);
      case JWRN_ARITH_BAD_CODE:
      case JWRN_HIT_MARKER:
      case JWRN_HUFF_BAD_CODE:
      case JWRN_MUST_RESYNC:
        if (errors.strictness == Strictness::strict) failed(jpeg);
        if (errors.warning[0] == 0) errors.manager.format_message(jpeg, errors.warning.data());
        break;
      default:
        break;
    }
  }

  /// A small progressive file can ask for endless passes over a large image.
  static void progressed(j_common_ptr jpeg) {
    if (!jpeg->is_decompressor) return;
    if (reinterpret_cast<j_decompress_ptr>(jpeg)->input_scan_number <= 500) return;
    auto& errors = *reinterpret_cast<Errors*>(jpeg->err);
    std::snprintf(errors.error.data(), errors.error.size(), "more than 500 scans");
    std::longjmp(errors.return_point, 1);
  }

  std::span<const std::byte> bytes_;
  Errors errors_;
  jpeg_progress_mgr progress_{};
  jpeg_decompress_struct jpeg_{};
};

/// Throws std::runtime_error if the picture, its coefficients included, is larger than allowed or
/// than its file can hold.
inline void check_jpeg_size(JpegDecoder& decoder, std::size_t file_bytes, const std::string& label,
                            Index max_pixels) {
  const Size size{decoder.height(), decoder.width()};
  if (size.height > max_pixels / size.width) {
    refuse_file(label, size, " pixels are more than the limit of ", max_pixels);
  }
  // Huffman codes have a bit at least, and each block begins with one. (In progressive scans later
  // on, many blocks may share one.)
  if (decoder.is_huffman() && decoder.blocks() / 8 > file_bytes) {
    refuse_file(label, "broken JPEG: ", file_bytes, " bytes cannot hold ", size, " pixels");
  }
  // As many as three channels of the largest picture have. The margin is for thin pictures, whose
  // blocks reach far beyond their edge.
  constexpr std::size_t margin = std::size_t{16} << 20;
  const std::size_t coefficient_bytes = decoder.blocks() * 64 * 2;
  const std::size_t limit = static_cast<std::size_t>(max_pixels) * 6 + margin;
  if (decoder.keeps_coefficients() && coefficient_bytes > limit) {
    refuse_file(label, size, " pixels in several scans need ", coefficient_bytes,
                " bytes of coefficients; the limit is ", limit);
  }
}

/// EXIF data of a JPEG, empty if there are none. Up to the pixel data a JPEG is a list of segments:
/// FF, a marker, the length of the rest, data (ITU-T T.81, B.1.1).
inline std::span<const std::byte> exif_of_jpeg(std::span<const std::byte> jpeg) {
  constexpr std::string_view sign("Exif\0\0", 6);
  constexpr std::byte fill{0xFF}, app1{0xE1}, start_of_scan{0xDA}, end_of_image{0xD9};
  for (jpeg = jpeg.subspan(2); jpeg.size() >= 4 && jpeg[0] == fill;) {
    const std::byte marker = jpeg[1];
    if (marker == fill) {
      jpeg = jpeg.subspan(1);
      continue;
    }
    if (marker == start_of_scan || marker == end_of_image) break;
    const std::size_t length =
        std::to_integer<std::size_t>(jpeg[2]) << 8 | std::to_integer<std::size_t>(jpeg[3]);
    if (length < 2 || length > jpeg.size() - 2) break;
    const auto data = jpeg.subspan(4, length - 2);
    if (marker == app1 && begins_with(data, 0, sign)) return data.subspan(sign.size());
    jpeg = jpeg.subspan(2 + length);
  }
  return {};
}

}  // namespace detail

TESSERA_INLINE bool is_jpeg(std::span<const std::byte> bytes) {
  return detail::begins_with(bytes, 0, "\xFF\xD8\xFF");
}

TESSERA_INLINE Image decode_jpeg(std::span<const std::byte> bytes, const std::string& label,
                                 const ReadOptions& options, std::vector<std::string>* warnings) {
  if (!is_jpeg(bytes)) refuse_file(label, "is not a JPEG");
  detail::JpegDecoder decoder(bytes, options.strictness);
  if (!decoder.read_header()) refuse_file(label, "broken JPEG: ", decoder.error());
  detail::check_jpeg_size(decoder, bytes.size(), label, options.max_pixels);
  const int channels = decoder.channels();
  if (channels != 1 && channels != 3 && channels != 4) {
    refuse_file(label, "JPEG with ", channels,
                " channels is not supported; only gray, color with 3 and CMYK are");
  }
  Image image = Image::empty({decoder.height(), decoder.width(), 3});
  std::vector<std::uint8_t> cmyk(channels == 4 ? static_cast<std::size_t>(decoder.width()) * 4
                                               : std::size_t{0});
  if (!decoder.read_pixels(image.data(), cmyk)) {
    refuse_file(label, "broken JPEG: ", decoder.error());
  }
  if (!decoder.warning().empty() && warnings != nullptr) {
    warnings->push_back(concat("broken JPEG, read all the same: ", decoder.warning()));
  }
  if (options.orientation == Orientation::as_stored) return image;
  return upright(std::move(image), detail::exif_orientation(detail::exif_of_jpeg(bytes)));
}

}  // namespace tessera::io
