#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tessera/core/error.hpp"

namespace tessera::io {

/// Makes text of a file fit for a terminal: cut to 80 bytes, control characters as dots.
inline std::string printable(std::string_view text) {
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

/// A name of a file in single quotes, printable, for an error message.
inline std::string in_quotes(std::string_view name) { return concat("'", printable(name), "'"); }

/// Joins printable names into "a, b, c and 5 more".
inline std::string listed(const std::vector<std::string>& names, std::size_t most = 3) {
  std::string text;
  for (std::size_t i = 0; i < names.size() && i < most; ++i) {
    text += (i > 0 ? ", " : "") + names[i];
  }
  if (names.size() > most) text += concat(" and ", names.size() - most, " more");
  return text;
}

}  // namespace tessera::io
