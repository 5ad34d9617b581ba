#pragma once

#include <array>
#include <charconv>
#include <concepts>
#include <initializer_list>
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

/// An element of a list, written "masks[2]".
struct ListItem {
  std::string_view list;
  std::size_t position;
};

inline void append_text(std::string& text, const ListItem& item) {
  text += item.list;
  text += '[';
  append_text(text, item.position);
  text += ']';
}

namespace detail {

/// One part of a message, of any type that append_text knows: so that the many ways to join parts
/// are one function.
class TextPart {
 public:
  TextPart(const char* text)
      : value_(text),
        append_([](std::string& to, const void* from) { to += static_cast<const char*>(from); }) {}
  template <class T>
  TextPart(const T& value)
      : value_(&value), append_([](std::string& to, const void* from) {
          append_text(to, *static_cast<const T*>(from));
        }) {}

  void append_to(std::string& text) const { append_(text, value_); }

 private:
  const void* value_;
  void (*append_)(std::string&, const void*);
};

inline std::string joined(std::initializer_list<TextPart> parts) {
  std::string text;
  for (const TextPart& part : parts) part.append_to(text);
  return text;
}

[[noreturn, gnu::cold]] inline void throw_invalid_argument(std::initializer_list<TextPart> parts) {
  throw std::invalid_argument(joined(parts));
}

}  // namespace detail

/// Joins strings, numbers and shapes into one text.
template <class... Parts>
std::string text_of(const Parts&... parts) {
  return detail::joined({detail::TextPart(parts)...});
}

/// Throws std::invalid_argument "op: parts...". A check is an `if` around it, so that the parts of
/// a message, which may be calls, are evaluated on failure alone:
///
///     if (rows != cols) refuse("trace", "matrix ", shape, " is not square");
template <class... Parts>
[[noreturn, gnu::cold]] void refuse(std::string_view op, const Parts&... parts) {
  detail::throw_invalid_argument({op, ": ", parts...});
}

}  // namespace tessera
