#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace tessera::io {

/// Receives a JSON text piece by piece, in the order of the text. Members may throw, which ends the
/// reading: a handler refuses what it does not want at the moment it appears, so that neither depth
/// nor repetition makes anything grow.
class JsonHandler {
 public:
  virtual void null() = 0;
  virtual void boolean(bool value) = 0;
  virtual void number_unsigned(std::uint64_t value) = 0;  ///< digits alone, below 2^64
  virtual void number_integer(std::int64_t value) = 0;    ///< a minus and digits, from -2^63 on
  virtual void number_float(double value) = 0;            ///< any other number, finite
  virtual void string(std::string& text) = 0;             ///< in UTF-8; may be moved from
  virtual void key(std::string& name) = 0;                ///< of the member that comes next
  virtual void start_object() = 0;
  virtual void end_object() = 0;
  virtual void start_array() = 0;
  virtual void end_array() = 0;

  /// A string or number takes more than the bytes that read_json() was told.
  [[noreturn]] virtual void too_long() = 0;

  /// The text is not JSON. `position` counts the bytes up to and with the one that shows it; the
  /// end of the text counts as one.
  [[noreturn]] virtual void syntax_error(std::size_t position) = 0;

 protected:
  ~JsonHandler() = default;
};

/// Reads a JSON text into a handler, whose strings and numbers may take `longest` bytes each.
/// Throws what the handler throws.
void read_json(std::string_view text, JsonHandler& handler, std::size_t longest);

}  // namespace tessera::io

#ifndef TESSERA_COMPILED_LIB
#include "tessera/io/json/reader_impl.hpp"
#endif
