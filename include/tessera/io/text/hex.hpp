#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace tessera::io {

/// The lowest `digits` hexadecimal digits of `value`, zeros in front: hex(10, 4) is "000a".
inline std::string hex(std::uint64_t value, std::size_t digits) {
  std::string text(digits, '0');
  for (std::size_t i = digits; i-- > 0; value >>= 4) text[i] = "0123456789abcdef"[value & 15];
  return text;
}

}  // namespace tessera::io
