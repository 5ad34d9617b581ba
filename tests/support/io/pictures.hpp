#pragma once

#include <cstdint>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "support/io/files.hpp"
#include "tessera/io/image/image.hpp"
#include "tessera/io/torch/crc32.hpp"

namespace tessera::io::test {

/// A file of tests/golden/pictures (tests/reference/pictures.py).
inline std::vector<std::byte> picture_file(const std::string& name) {
  return read_file(golden / "pictures" / name, 1 << 20);
}

/// Size and sum of pixels.
struct PixelSum {
  Size size{};
  std::uint32_t sum = 0;
  friend bool operator==(const PixelSum&, const PixelSum&) = default;
};

inline PixelSum sum_of(const Image& image) {
  return {size_of(image), crc32(std::as_bytes(image.values()))};
}

/// A picture as Pillow reads it.
struct PillowPicture {
  std::string name;
  PixelSum as_stored;
  PixelSum upright;
};

/// All whose names end in `ending`.
inline std::vector<PillowPicture> pillow_pictures(std::string_view ending) {
  std::ifstream file(golden / "pictures/expected.txt");
  std::vector<PillowPicture> found;
  std::string line;
  while (std::getline(file, line)) {
    std::istringstream words(line);
    PillowPicture next;
    words >> next.name;
    for (PixelSum* sum : {&next.as_stored, &next.upright}) {
      words >> sum->size.height >> sum->size.width >> sum->sum;
    }
    if (next.name.ends_with(ending)) found.push_back(next);
  }
  return found;
}

}  // namespace tessera::io::test
