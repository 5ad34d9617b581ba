#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "tessera/io/json/reader.hpp"

namespace tessera::io {

/// A handler that refuses every piece of a JSON text unless the class derived from it takes that
/// piece. It so names what a file may hold, and all else is an error.
class StrictJsonHandler : public JsonHandler {
 public:
  void null() override { refuse_value("null"); }
  void boolean(bool /*value*/) override { refuse_value("a boolean"); }
  void number_unsigned(std::uint64_t /*value*/) override { refuse_value("a number"); }
  void number_integer(std::int64_t /*value*/) override { refuse_value("a negative number"); }
  void number_float(double /*value*/) override {
    refuse_value("a number that is no 64-bit integer");
  }
  void string(std::string& /*text*/) override { refuse_value("a string"); }
  void start_object() override { refuse_value("an object"); }
  void start_array() override { refuse_value("an array"); }
  void end_array() override { refuse_value("an array"); }

 protected:
  ~StrictJsonHandler() = default;

  /// Throws: a value of that kind has no place where the text is now.
  [[noreturn]] virtual void refuse_value(std::string_view kind) const = 0;
};

}  // namespace tessera::io
