#pragma once

#include <array>
#include <charconv>
#include <concepts>
#include <initializer_list>
#include <stdexcept>
#include <string>
#include <string_view>

#include "tessera/core/shape.hpp"

#if !defined(__cpp_exceptions)
#error "Tessera reports errors by exceptions: compile it without -fno-exceptions"
#endif

namespace tessera {

// append_text writes one part of a message. A type of its own gets an overload beside its
// definition.

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

namespace detail {

/// A part of a message, not written out yet. Every message of the library goes through one loop
/// over such parts: a join that knew the types of all parts would be compiled for each message.
struct MessagePart {
  const void* value;
  void (*append)(std::string& text, const void* value);
};

template <class T>
void append_value(std::string& text, const void* value) {
  append_text(text, *static_cast<const T*>(value));
}

inline void append_literal(std::string& text, const void* value) {
  text += static_cast<const char*>(value);
}

template <class T>
MessagePart message_part(const T& value) {
  return {&value, &append_value<T>};
}
template <std::size_t Size>
MessagePart message_part(const char (&literal)[Size]) {
  return {literal, &append_literal};
}

inline std::string join(std::initializer_list<MessagePart> parts) {
  std::string text;
  for (const MessagePart& part : parts) part.append(text, part.value);
  return text;
}

[[noreturn, gnu::cold, gnu::noinline]] inline void throw_invalid_argument(
    std::initializer_list<MessagePart> parts) {
  throw std::invalid_argument(join(parts));
}

}  // namespace detail

/// Joins strings, numbers, shapes and whatever else has an append_text into one text.
template <class... Parts>
std::string concat(const Parts&... parts) {
  return detail::join({detail::message_part(parts)...});
}

/// Throws std::invalid_argument "op: parts...". A check is an `if` around it, so that the parts of
/// a message, which may be calls, are evaluated on failure alone:
///
///     if (rows != cols) refuse("trace", "matrix ", shape, " is not square");
template <class... Parts>
[[noreturn, gnu::cold, gnu::noinline]] void refuse(std::string_view op, const Parts&... parts) {
  detail::throw_invalid_argument(
      {detail::message_part(op), detail::message_part(": "), detail::message_part(parts)...});
}

}  // namespace tessera
