#pragma once

#include <zlib.h>

#include <cstdint>
#include <string>

#include "support/io/files.hpp"
#include "tessera/io/image/image.hpp"
#include "tessera/io/source/tensor_source.hpp"

namespace tessera::data::test {

/// Pictures that Pillow 13 computed (tests/reference/augmentation.py).
inline const io::TensorSource& golden_augmentation() {
  static const io::TensorSource source =
      io::open_tensors(io::test::golden / "augmentation.safetensors");
  return source;
}

inline io::Image golden_image(const std::string& name) {
  return golden_augmentation().read<std::uint8_t, 3>(name);
}

/// CRC-32 of the pixels, as zlib.crc32 in Python.
inline std::int64_t crc_of(const io::Image& image) {
  return static_cast<std::int64_t>(crc32(0, image.data(), static_cast<uInt>(image.size())));
}

}  // namespace tessera::data::test
