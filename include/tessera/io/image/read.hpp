#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "tessera/io/image/read_options.hpp"

namespace tessera::io {

/// Decodes a PNG, a JPEG or, where Tessera was built with libwebp, a WebP to RGB, told apart by
/// their first bytes: see decode_png and decode_jpeg. Other formats are refused by their names.
/// `warnings`, if not null, gets what was passed over (see Strictness).
///
/// Throws std::runtime_error "label: reason"; also where memory does not suffice.
Image decode_image(std::span<const std::byte> bytes, const std::string& label = "memory",
                   const ReadOptions& options = {}, std::vector<std::string>* warnings = nullptr);

/// decode_image of a file of at most 1 GiB, whatever its name ends in.
Image read_image(const std::filesystem::path& path, const ReadOptions& options = {},
                 std::vector<std::string>* warnings = nullptr);

}  // namespace tessera::io

#ifndef TESSERA_COMPILED_LIB
#include "tessera/io/image/read_impl.hpp"
#endif
