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

/// The name of an argument in a message: "idx_keep", or "masks[2]" for an element of a list. A type
/// of its own, so that a check may be told the name of a list's element without writing it out:
/// that happens on failure alone.
class ArgumentName {
 public:
  ArgumentName(const char* name) : name_(name) {}  // implicit: a literal is a name
  ArgumentName(std::string_view name) : name_(name) {}
  ArgumentName(std::string_view list, std::size_t position) : name_(list), position_(position) {}

  friend void append_text(std::string& text, const ArgumentName& argument) {
    text += argument.name_;
    if (argument.position_ == no_position) return;
    text += '[';
    text += std::to_string(argument.position_);
    text += ']';
  }

 private:
  static constexpr std::size_t no_position = static_cast<std::size_t>(-1);
  std::string_view name_;
  std::size_t position_ = no_position;
};

/// Joins strings, numbers, shapes and whatever else has an append_text into one text.
template <class... Parts>
std::string concat(const Parts&... parts) {
  std::string text;
  (append_text(text, parts), ...);
  return text;
}

namespace detail {

[[noreturn, gnu::cold]] inline void throw_invalid_argument(const std::string& text) {
  throw std::invalid_argument(text);
}

}  // namespace detail

/// Throws std::invalid_argument "op: parts...". A check is an `if` around it, so that the parts of
/// a message, which may be calls, are evaluated on failure alone:
///
///     if (rows != cols) refuse("trace", "matrix ", shape, " is not square");
template <class... Parts>
[[noreturn, gnu::cold, gnu::noinline]] void refuse(std::string_view op, const Parts&... parts) {
  detail::throw_invalid_argument(concat(op, ": ", parts...));
}

}  // namespace tessera
