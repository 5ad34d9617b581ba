#pragma once

#include <png.h>

#include <algorithm>
#include <array>
#include <bit>
#include <csetjmp>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <new>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tessera/core/inline.hpp"
#include "tessera/io/file/fail.hpp"
#include "tessera/io/file/file.hpp"
#include "tessera/io/image/orientation.hpp"
#include "tessera/io/image/png.hpp"

namespace tessera::io {

namespace detail {

// libpng reports errors by longjmp. Whatever has a destructor therefore lives in the callers of the
// functions that call setjmp; those hold plain values only.

struct PngMessages {
  std::array<char, 128> error{};
  std::array<char, 128> warning{};  // the first one
};

[[noreturn]] inline void png_failed(png_structp png, png_const_charp text) {
  auto& messages = *static_cast<PngMessages*>(png_get_error_ptr(png));
  std::strncpy(messages.error.data(), text, messages.error.size() - 1);
  png_longjmp(png, 1);
}

inline void png_warned(png_structp png, png_const_charp text) {
  auto& messages = *static_cast<PngMessages*>(png_get_error_ptr(png));
  if (messages.warning[0] != 0) return;
  std::strncpy(messages.warning.data(), text, messages.warning.size() - 1);
}

/// A PNG in memory on its way to pixels.
class PngDecoder {
 public:
  explicit PngDecoder(std::span<const std::byte> bytes) : bytes_(bytes) {
    png_ = png_create_read_struct(PNG_LIBPNG_VER_STRING, &messages_, png_failed, png_warned);
    if (png_ != nullptr) info_ = png_create_info_struct(png_);
    if (info_ == nullptr) throw std::bad_alloc();
    png_set_read_fn(png_, this, read);
    // Nobody reads text, profiles and the like here; libpng would decompress and keep them. -1: all
    // chunks but those that the pixels need are passed over.
    png_set_keep_unknown_chunks(png_, PNG_HANDLE_CHUNK_NEVER, nullptr, -1);
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
  bool is_deep_gray() const {
    return png_get_bit_depth(png_, info_) == 16 &&
           (png_get_color_type(png_, info_) & PNG_COLOR_MASK_COLOR) == 0;
  }

  /// Decodes into rows of 3 x width bytes; false on error. Gray of 16 bits takes the first
  /// 2 x width of them, the upper byte of a pixel first.
  bool read_rows(png_bytepp rows, Strictness strictness) {
    if (setjmp(png_jmpbuf(png_))) return false;
    if (strictness == Strictness::as_pillow) {
      png_set_crc_action(png_, PNG_CRC_WARN_USE, PNG_CRC_WARN_USE);
    }
    const bool deep_gray = is_deep_gray();
    if (!deep_gray) png_set_strip_16(png_);
    png_set_palette_to_rgb(png_);
    if (png_get_color_type(png_, info_) == PNG_COLOR_TYPE_GRAY) {
      png_set_expand_gray_1_2_4_to_8(png_);
    }
    if (!deep_gray) png_set_gray_to_rgb(png_);
    png_set_strip_alpha(png_);
    png_set_interlace_handling(png_);
    png_read_update_info(png_, info_);
    const std::size_t pixel_bytes = deep_gray ? 2 : 3;
    if (png_get_rowbytes(png_, info_) != png_get_image_width(png_, info_) * pixel_bytes) {
      png_error(png_, "pixels do not become RGB");
    }
    png_read_image(png_, rows);
    png_read_end(png_, nullptr);
    return true;
  }

  /// After an error in read_rows: true if all pixels had been read by then.
  bool has_all_rows() const {
    constexpr int passes_of_interlaced = 7;
    return png_get_interlace_type(png_, info_) == PNG_INTERLACE_NONE
               ? png_get_current_row_number(png_) >= png_get_image_height(png_, info_)
               : png_get_current_pass_number(png_) == passes_of_interlaced;
  }

  std::string_view error() const { return messages_.error.data(); }
  std::string_view warning() const { return messages_.warning.data(); }

 private:
  static void read(png_structp png, png_bytep target, std::size_t size) {
    auto& decoder = *static_cast<PngDecoder*>(png_get_io_ptr(png));
    if (size > decoder.bytes_.size()) png_error(png, "file ends early");
    std::memcpy(target, decoder.bytes_.data(), size);
    decoder.bytes_ = decoder.bytes_.subspan(size);
  }

  std::span<const std::byte> bytes_;
  PngMessages messages_;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
};

/// Pixels on their way to a PNG in memory.
class PngEncoder {
 public:
  PngEncoder() {
    png_ = png_create_write_struct(PNG_LIBPNG_VER_STRING, &messages_, png_failed, png_warned);
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

  std::string_view error() const { return messages_.error.data(); }
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
  PngMessages messages_;
  png_structp png_ = nullptr;
  png_infop info_ = nullptr;
};

/// The contents of the first eXIf chunk, empty if there is none. Chunks have a length, a name, data
/// and a check sum (PNG specification, 5.3).
inline std::span<const std::byte> exif_of_png(std::span<const std::byte> png) {
  for (png = png.subspan(8); png.size() >= 12;) {
    const std::size_t length = *tiff_number<4>(png, 0, true);
    if (length > png.size() - 12) break;
    if (std::memcmp(png.data() + 4, "eXIf", 4) == 0) return png.subspan(8, length);
    png = png.subspan(12 + length);
  }
  return {};
}

/// Gray of 16 bits, where read_rows left it, to RGB in place.
inline void expand_deep_gray(Image& image, DeepGray choice, std::vector<std::string>* warnings) {
  const auto [height, width] = size_of(image);
  const auto value = [&](Index row, Index column) {
    const std::uint8_t* bytes = &image(row, 0, 0) + 2 * column;
    return static_cast<unsigned>(bytes[0] << 8 | bytes[1]);
  };
  unsigned all = 0;
  for (Index row = 0; row < height; ++row) {
    for (Index column = 0; column < width; ++column) all |= value(row, column);
  }
  const int used_bits = static_cast<int>(std::bit_width(all));
  if (choice == DeepGray::upper_byte && used_bits > 0 && used_bits <= 12 && warnings != nullptr) {
    warnings->push_back(concat("gray of 16 bits uses the lower ", used_bits,
                               " alone, so its upper byte is (nearly) black; "
                               "DeepGray::used_bits reads it brighter"));
  }
  const int shift = choice == DeepGray::upper_byte ? 8 : std::max(used_bits - 8, 0);
  for (Index row = 0; row < height; ++row) {
    for (Index column = width; column-- > 0;) {  // from the right: a pixel grows to 3 bytes
      const auto level = static_cast<std::uint8_t>(value(row, column) >> shift);
      std::fill_n(&image(row, column, 0), 3, level);
    }
  }
}

}  // namespace detail

TESSERA_INLINE bool is_png(std::span<const std::byte> bytes) {
  return bytes.size() >= 8 &&
         png_sig_cmp(reinterpret_cast<png_const_bytep>(bytes.data()), 0, 8) == 0;
}

TESSERA_INLINE Image decode_png(std::span<const std::byte> bytes, const std::string& label,
                                const ReadOptions& options, std::vector<std::string>* warnings) {
  if (!is_png(bytes)) refuse_file(label, "is not a PNG");
  detail::PngDecoder decoder(bytes);
  if (!decoder.read_header()) refuse_file(label, "broken PNG: ", decoder.error());
  const Index height = decoder.height();
  const Index width = decoder.width();
  if (height > options.max_pixels / width) {
    refuse_file(label, Size{height, width}, " pixels are more than the limit of ",
                options.max_pixels);
  }
  // Deflate shrinks to 1/1032 at best, so a short file cannot hold a large image.
  if (decoder.row_bytes() * static_cast<std::size_t>(height) / 1032 > bytes.size()) {
    refuse_file(label, "broken PNG: ", bytes.size(), " bytes cannot hold ", Size{height, width},
                " pixels");
  }
  const bool deep_gray = decoder.is_deep_gray();
  Image image = Image::empty({height, width, 3});
  std::vector<png_bytep> rows;
  rows.reserve(static_cast<std::size_t>(height));
  for (Index row = 0; row < height; ++row) rows.push_back(&image(row, 0, 0));
  std::string_view passed_over;
  if (!decoder.read_rows(rows.data(), options.strictness)) {
    if (options.strictness == Strictness::strict || !decoder.has_all_rows()) {
      refuse_file(label, "broken PNG: ", decoder.error());
    }
    passed_over = decoder.error();
  } else if (options.strictness == Strictness::as_pillow) {
    passed_over = decoder.warning();
  }
  if (!passed_over.empty() && warnings != nullptr) {
    warnings->push_back(concat("broken PNG, read all the same: ", passed_over));
  }
  if (deep_gray) detail::expand_deep_gray(image, options.deep_gray, warnings);
  if (options.orientation == Orientation::as_stored) return image;
  return upright(std::move(image), detail::exif_orientation(detail::exif_of_png(bytes)));
}

TESSERA_INLINE std::vector<std::byte> encode_png(const Image& image) {
  detail::require_image(image, "encode_png");
  detail::PngEncoder encoder;
  const bool written = encoder.write_image(image.data(), image.dim(0), image.dim(1));
  if (!written) refuse("encode_png", "image ", image.shape(), ": ", encoder.error());
  return std::move(encoder.bytes());
}

TESSERA_INLINE void write_png(const std::filesystem::path& path, const Image& image) {
  write_file(path, encode_png(image));
}

}  // namespace tessera::io
