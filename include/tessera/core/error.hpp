#pragma once

#include <array>
#include <charconv>
#include <concepts>
#include <stdexcept>
#include <string>
#include <string_view>

#include "tessera/core/shape.hpp"

namespace tessera {

// How a part of a message is written. A type of its own gets an overload beside its definition.

inline void append_text(std::string& text, std::string_view part) { text += part; }

template <std::integral T>
void append_text(std::string& text, T value) {
  text += std::to_string(value);
}

template <std::floating_point T>
void append_text(std::string& text, T value) {
  std::array<char, 32> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(),
                                 static_cast<double>(value), std::chars_format::general, 6);
  text.append(digits.data(), end.ptr);
}

template <std::size_t Rank>
void append_text(std::string& text, const std::array<Index, Rank>& shape) {
  text += to_string(std::span<const Index>(shape));
}

inline void append_text(std::string& text, std::span<const Index> shape) {
  text += to_string(shape);
}

/// Joins strings, numbers and shapes into one text.
template <class... Parts>
std::string text_of(const Parts&... parts) {
  std::string text;
  (append_text(text, parts), ...);
  return text;
}

/// Throws std::invalid_argument "op: parts..." unless `ok`. Text is made only on failure.
template <class... Parts>
void require(bool ok, std::string_view op, const Parts&... parts) {
  if (!ok) [[unlikely]] {
    throw std::invalid_argument(text_of(op, ": ", parts...));
  }
}

}  // namespace tessera
