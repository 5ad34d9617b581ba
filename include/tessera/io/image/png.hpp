#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "tessera/io/image/read_options.hpp"

namespace tessera::io {

/// True if `bytes` begin as a PNG does.
bool is_png(std::span<const std::byte> bytes);

/// Decodes a PNG of any kind to RGB, as Pillow's convert("RGB") does: palettes and gray are
/// expanded, alpha is dropped, of 16 bits the upper 8 are kept (also for gray, where Pillow clips
/// the value at 255 instead; see DeepGray). Color profiles and gamma are not applied. Chunks beside
/// the pixels (text, profiles) are neither decompressed nor kept; of eXIf the orientation is read
/// where options ask for it. An animated PNG gives its first picture.
///
/// Throws std::runtime_error "label: reason" on broken data and on more than options.max_pixels,
/// the latter before memory is taken. `warnings`, if not null, gets what was passed over.
Image decode_png(std::span<const std::byte> bytes, const std::string& label = "memory",
                 const ReadOptions& options = {}, std::vector<std::string>* warnings = nullptr);

/// The image as an 8-bit RGB PNG. Throws std::invalid_argument on an empty image.
std::vector<std::byte> encode_png(const Image& image);

/// Writes the image, all or nothing (see replace_file). Throws std::invalid_argument on an empty
/// image, std::runtime_error naming the file if it cannot be written.
void write_png(const std::filesystem::path& path, const Image& image);

}  // namespace tessera::io

#ifndef TESSERA_COMPILED_LIB
#include "tessera/io/image/png_impl.hpp"
#endif
