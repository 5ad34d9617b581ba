#pragma once

#include <array>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "tessera/io/image/preprocessing.hpp"
#include "tessera/io/torch/crc32.hpp"

namespace tessera::io::test {

/// Of preprocessing_settings.txt: what a package makes of one picture.
struct ExpectedPicture {
  Size source;
  bool refused = false;
  Size size{};
  std::uint32_t sum = 0;  ///< crc32 of the pixels before normalization
  std::array<float, 12> values{};
};

struct PreprocessingCase {
  std::string package;
  std::string settings;
  std::vector<ExpectedPicture> pictures;
};

inline std::vector<PreprocessingCase> preprocessing_cases(const std::string& package) {
  std::ifstream file(std::filesystem::path(TESSERA_GOLDEN_DIR) / "preprocessing_settings.txt");
  std::vector<PreprocessingCase> cases;
  std::string line;
  while (std::getline(file, line)) {
    PreprocessingCase next{line, "", {}};
    std::getline(file, next.settings);
    while (std::getline(file, line) && !line.empty()) {
      std::istringstream words(line);
      ExpectedPicture picture;
      std::string first;
      char by = ' ';
      words >> picture.source.height >> by >> picture.source.width >> first;
      picture.refused = first == "error";
      if (!picture.refused) {
        picture.size.height = std::stol(first);
        words >> picture.size.width >> picture.sum;
        for (float& value : picture.values) words >> value;
      }
      next.pictures.push_back(picture);
    }
    if (next.package == package) cases.push_back(std::move(next));
  }
  return cases;
}

/// The picture of that size which tests/reference/preprocessing.py has, too.
inline Image formula_picture(const Size& size) {
  Image image = Image::empty({size.height, size.width, 3});
  for (Index r = 0; r < size.height; ++r) {
    for (Index c = 0; c < size.width; ++c) {
      for (Index k = 0; k < 3; ++k) {
        image(r, c, k) =
            static_cast<std::uint8_t>((3 * r * r + 5 * c * c + 7 * r * c + 53 * k + 11 * c) % 256);
      }
    }
  }
  return image;
}

/// "" if `how` makes of the picture what is expected: every pixel before normalization, and twelve
/// values within 1e-6 of their size after it.
inline std::string picture_mismatch(const ExpectedPicture& expected, const Preprocessing& how) {
  const Image source = formula_picture(expected.source);
  if (expected.refused) {
    try {
      (void)fit_image(source, how);
    } catch (const std::invalid_argument&) {
      return "";
    }
    return "is not refused";
  }
  const Image fitted = fit_image(source, how);
  if (size_of(fitted) != expected.size) return concat("has size ", size_of(fitted));
  if (crc32(std::as_bytes(fitted.values())) != expected.sum) return "has other pixels";
  const auto tensor = preprocess<float>(source, how);
  for (Index i = 0; i < 12; ++i) {
    const float value = tensor.data()[i * (tensor.size() - 1) / 11];
    const float wanted = expected.values[static_cast<std::size_t>(i)];
    if (!(std::abs(value - wanted) <= 1e-6F * std::max(1.0F, std::abs(wanted)))) {
      return concat("value ", i, " is ", value, ", not ", wanted);
    }
  }
  return "";
}

}  // namespace tessera::io::test
