#pragma once

#include <array>
#include <charconv>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "tessera/io/text/hex.hpp"

namespace tessera::io {

/// As few digits as give the same number back.
template <std::floating_point Number>
std::string number_text(Number value) {
  std::array<char, 32> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  return {digits.data(), end};
}

/// `text`, which must be UTF-8, as a JSON string with its quotes.
inline std::string json_string(std::string_view text) {
  constexpr std::string_view named = "\"\\\b\f\n\r\t";
  constexpr std::string_view letters = "\"\\bfnrt";
  std::string json = "\"";
  for (const char letter : text) {
    const auto code = static_cast<std::uint8_t>(letter);
    if (const std::size_t i = named.find(letter); i != std::string_view::npos) {
      json += {'\\', letters[i]};
    } else if (code < 0x20) {
      json += "\\u" + hex(code, 4);
    } else {
      json += letter;
    }
  }
  return json + '"';
}

}  // namespace tessera::io
