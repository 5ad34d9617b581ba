#pragma once

#include <cstdio>
#include <string>

#include "tessera/core/error.hpp"

namespace example {

/// Strings, numbers and shapes as one line.
template <class... Parts>
void print(const Parts&... parts) {
  std::puts(tessera::concat(parts...).c_str());
  std::fflush(stdout);
}

/// A number with that many digits behind the point.
inline std::string fixed(double value, int digits) {
  std::string text(64, '\0');
  text.resize(
      static_cast<std::size_t>(std::snprintf(text.data(), text.size(), "%.*f", digits, value)));
  return text;
}

}  // namespace example
