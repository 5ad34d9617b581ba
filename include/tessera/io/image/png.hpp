#pragma once

#include <png.h>

#include <algorithm>
#include <array>
#include <csetjmp>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tessera/io/file/fail.hpp"
#include "tessera/io/file/file.hpp"
#include "tessera/io/image/image.hpp"

namespace tessera::io {

namespace detail {

// libpng reports errors by longjmp. Whatever has a destructor therefore lives in the callers of the
// functions that call setjmp; those hold plain values only.

struct PngMessage {
  std::array<char, 128> text{};
};

[[noreturn]] inline void png_failed(png_structp png, png_const_charp text) {
  auto& message = *static_cast<PngMessage*>(png_get_error_ptr(png));
  std::strncpy(message.text.data(), text, message.text.size() - 1);
  png_longjmp(png, 1);
}

inline void png_warned(png_structp /*png*/, png_const_charp /*text*/) {}

/// A PNG in memory on its way to pixels.
class PngDecoder {
 public:
  explicit PngDecoder(std::span<const std::byte> bytes) : bytes_(bytes) {
    png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, &message_, png_failed, png_warned);
    if (png_ != nullptr) info_ = png_create_info_struct(png_);
    if (info_ == nullptr) throw std::bad_alloc();
    png_set_read_fn(png_, this, read);
  }
  PngDecoder(const PngDecoder&) = delete;
  PngDecoder& operator=(const PngDecoder&) = delete;
  ~PngDecoder() { png_destroy_read_struct(&png_, &info_, nullptr); }

  /// Reads up to the first pixel data; false on error.
  bool read_header() {
    if (setjmp(png_jmpbuf(png_))) return false;
    png_read_info(png_, info_);
    return true;
  }

  Index height() const { return static_cast<Index>(png_get_image_height(png_, info_)); }
  Index width() const { return static_cast<Index>(png_get_image_width(png_, info_)); }
  /// Of the pixels as the file holds them, before compression.
  std::size_t row_bytes() const { return png_get_rowbytes(png_, info_); }

  /// Decodes into rows of 3 x width bytes; false on error.
  bool read_rows(png_bytepp rows) {
    if (setjmp(png_jmpbuf(png_))) return false;
    png_set_strip_16(png_);
    png_set_palette_to_rgb(png_);
    if (png_get_color_type(png_, info_) == PNG_COLOR_TYPE_GRAY) {
      png_set_expand_gray_1_2_4_to_8(png_);
    }
    png_set_gray_to_rgb(png_);
    png_set_strip_alpha(png_);
    png_set_interlace_handling(png_);
    png_read_update_info(png_, info_);
    if (png_get_rowbytes(png_, info_) != png_get_image_width(png_, info_) * std::size_t{3}) {
      png_error(png_, "pixels do not become RGB");
    }
    png_read_image(png_, rows);
    png_read_end(png_, nullptr);
    return true;
  }

  std::string_view message() const { return message_.text.data(); }

 private:
  static void read(png_structp png, png_bytep target, std::size_t size) {
    auto& decoder = *static_cast<PngDecoder*>(png_get_io_ptr(png));
    if (size > decoder.bytes_.size()) png_error(png, "file ends early");
    std::memcpy(target, decoder.bytes_.data(), size);
    decoder.bytes_ = decoder.bytes_.subspan(size);
  }

  std::span<const std::byte> bytes_;
  PngMessage message_;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
};

/// Pixels on their way to a PNG in memory.
class PngEncoder {
 public:
  PngEncoder() {
    png_ = png_create_write_struct(PNG_LIBPNG_VER_STRING, &message_, png_failed, png_warned);
    if (png_ != nullptr) info_ = png_create_info_struct(png_);
    if (info_ == nullptr) throw std::bad_alloc();
    png_set_write_fn(png_, this, write, flush);
  }
  PngEncoder(const PngEncoder&) = delete;
  PngEncoder& operator=(const PngEncoder&) = delete;
  ~PngEncoder() { png_destroy_write_struct(&png_, &info_); }

  /// False on error.
  bool write_image(const std::uint8_t* pixels, Index height, Index width) {
    if (setjmp(png_jmpbuf(png_))) return false;
    if (height > PNG_USER_HEIGHT_MAX || width > PNG_USER_WIDTH_MAX) {
      png_error(png_, "image is too large");
    }
    png_set_IHDR(png_, info_, static_cast<png_uint_32>(width), static_cast<png_uint_32>(height), 8,
                 PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
                 PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png_, info_);
    for (Index row = 0; row < height; ++row) png_write_row(png_, pixels + row * width * 3);
    png_write_end(png_, info_);
    return true;
  }

  std::string_view message() const { return message_.text.data(); }
  std::vector<std::byte>& bytes() { return bytes_; }

 private:
  static void write(png_structp png, png_bytep source, std::size_t size) {
    auto& encoder = *static_cast<PngEncoder*>(png_get_io_ptr(png));
    if (!encoder.append(std::as_bytes(std::span(source, size)))) png_error(png, "out of memory");
  }
  static void flush(png_structp /*png*/) {}

  /// No exception may pass through libpng.
  bool append(std::span<const std::byte> part) noexcept {
    try {
      bytes_.insert(bytes_.end(), part.begin(), part.end());
      return true;
    } catch (const std::bad_alloc&) {
      return false;
    }
  }

  std::vector<std::byte> bytes_;
  PngMessage message_;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
};

}  // namespace detail

/// Whether `bytes` begin as a PNG does.
inline bool is_png(std::span<const std::byte> bytes) {
  return bytes.size() >= 8 &&
         png_sig_cmp(reinterpret_cast<png_const_bytep>(bytes.data()), 0, 8) == 0;
}

/// Decodes a PNG of any kind to RGB, as Pillow's convert("RGB") does: palettes and gray are
/// expanded, alpha is dropped, of 16 bits the upper 8 are kept (also for gray, where Pillow clips
/// the value at 255 instead). Color profiles and gamma are not applied. Throws std::runtime_error
/// "label: reason" on broken data and on more than `max_pixels`, the latter before memory is taken.
inline Image decode_png(std::span<const std::byte> bytes, const std::string& label = "memory",
                        Index max_pixels = default_max_pixels) {
  if (!is_png(bytes)) refuse_file(label, "is not a PNG");
  detail::PngDecoder decoder(bytes);
  if (!decoder.read_header()) refuse_file(label, "broken PNG: ", decoder.message());
  const Index height = decoder.height();
  const Index width = decoder.width();
  if (height > max_pixels / width) {
    refuse_file(label, Size{height, width}, " pixels are more than the limit of ", max_pixels);
  }
  // Deflate shrinks to 1/1032 at best, so a short file cannot hold a large image.
  if (decoder.row_bytes() * static_cast<std::size_t>(height) / 1032 > bytes.size()) {
    refuse_file(label, "broken PNG: ", bytes.size(), " bytes cannot hold ", Size{height, width},
                " pixels");
  }
  Image image = Image::empty({height, width, 3});
  std::vector<png_bytep> rows;
  for (Index row = 0; row < height; ++row) rows.push_back(&image(row, 0, 0));
  if (!decoder.read_rows(rows.data())) refuse_file(label, "broken PNG: ", decoder.message());
  return image;
}

/// The image as an 8-bit RGB PNG. Throws std::invalid_argument on an empty image.
inline std::vector<std::byte> encode_png(const Image& image) {
  detail::require_image(image, "encode_png");
  detail::PngEncoder encoder;
  const bool written = encoder.write_image(image.data(), image.dim(0), image.dim(1));
  if (!written) refuse("encode_png", "image ", image.shape(), ": ", encoder.message());
  return std::move(encoder.bytes());
}

/// Writes the image, all or nothing (see replace_file). Throws std::invalid_argument on an empty
/// image, std::runtime_error naming the file if it cannot be written.
inline void write_png(const std::filesystem::path& path, const Image& image) {
  write_file(path, encode_png(image));
}

}  // namespace tessera::io
