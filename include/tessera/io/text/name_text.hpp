#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tessera/core/error.hpp"

namespace tessera::io::detail {

/// Text of a file as it may stand on a terminal: cut to 80 bytes, control characters as dots.
inline std::string shown(std::string_view text) {
  constexpr std::size_t limit = 80;
  std::size_t size = text.size();
  if (size > limit) {
    size = limit;  // not in the middle of a UTF-8 character
    while (size > limit - 4 && (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80) --size;
  }
  std::string plain;
  for (const char letter : text.substr(0, size)) {
    const auto byte = static_cast<unsigned char>(letter);
    const bool second = !plain.empty() && static_cast<unsigned char>(plain.back()) == 0xC2;
    if (second && byte >= 0x80 && byte < 0xA0) {  // U+0080 to U+009F
      plain.back() = '.';
    } else {
      plain += byte < 0x20 || byte == 0x7F ? '.' : letter;
    }
  }
  if (text.size() > limit) plain += "...";
  return plain;
}

/// The same in quotes, for an error message.
inline std::string name_text(std::string_view name) { return text_of("'", shown(name), "'"); }

/// "a, b, c and 5 more" of names that may be shown.
inline std::string first_names(const std::vector<std::string>& names, std::size_t most = 3) {
  std::string text;
  for (std::size_t i = 0; i < names.size() && i < most; ++i) {
    text += (i > 0 ? ", " : "") + names[i];
  }
  if (names.size() > most) text += text_of(" and ", names.size() - most, " more");
  return text;
}

}  // namespace tessera::io::detail
