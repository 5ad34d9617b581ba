#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tessera::io {

/// True for bytes that are UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing
/// above U+10FFFF.
constexpr bool is_utf8(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<std::uint8_t>(text[i]); };
  for (std::size_t i = 0; i < text.size();) {
    const std::uint8_t first = byte(i++);
    if (first < 0x80) continue;
    if (first < 0xC2 || first > 0xF4) return false;
    const std::size_t more = first < 0xE0 ? 1 : first < 0xF0 ? 2 : 3;
    if (text.size() - i < more) return false;
    const std::uint8_t lowest = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
    const std::uint8_t highest = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
    if (byte(i) < lowest || byte(i) > highest) return false;
    for (std::size_t end = i + more; i < end; ++i) {
      if (byte(i) < 0x80 || byte(i) > 0xBF) return false;
    }
  }
  return true;
}

/// Appends a code point, at most U+10FFFF and no surrogate, in UTF-8.
inline void append_utf8(std::string& text, std::uint32_t code) {
  const auto append_six_bits = [&](int shift) {
    text += static_cast<char>(0x80 | ((code >> shift) & 0x3F));
  };
  if (code < 0x80) {
    text += static_cast<char>(code);
  } else if (code < 0x800) {
    text += static_cast<char>(0xC0 | (code >> 6));
    append_six_bits(0);
  } else if (code < 0x10000) {
    text += static_cast<char>(0xE0 | (code >> 12));
    append_six_bits(6);
    append_six_bits(0);
  } else {
    text += static_cast<char>(0xF0 | (code >> 18));
    append_six_bits(12);
    append_six_bits(6);
    append_six_bits(0);
  }
}

}  // namespace tessera::io
