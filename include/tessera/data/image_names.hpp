#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

namespace tessera::data::detail {

/// Endings of the formats that io::decode_image reads.
inline constexpr std::array<std::string_view, 4> image_endings{"jpg", "jpeg", "png", "webp"};

/// The text after the last dot, in small ASCII letters; "" if there is no dot.
inline std::string ending_of(std::string_view name) {
  const std::size_t dot = name.rfind('.');
  if (dot == std::string_view::npos) return "";
  std::string ending(name.substr(dot + 1));
  for (char& letter : ending) {
    if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
  }
  return ending;
}

/// True for a name with one of image_endings, in small or capital letters.
inline bool is_image_name(std::string_view name) {
  const std::string ending = ending_of(name);
  for (const std::string_view known : image_endings) {
    if (ending == known) return true;
  }
  return false;
}

}  // namespace tessera::data::detail
