#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace tessera::io {

/// CRC-32 as zip and PNG use it.
inline std::uint32_t crc32(std::span<const std::byte> bytes) {
  static constexpr std::array<std::uint32_t, 256> table = [] {
    std::array<std::uint32_t, 256> made{};
    for (std::uint32_t i = 0; i < 256; ++i) {
      std::uint32_t value = i;
      for (int bit = 0; bit < 8; ++bit) {
        value = (value & 1) != 0 ? 0xEDB88320u ^ (value >> 1) : value >> 1;
      }
      made[i] = value;
    }
    return made;
  }();
  std::uint32_t sum = ~0u;
  for (const std::byte byte : bytes) {
    sum = table[(sum ^ std::to_integer<std::uint32_t>(byte)) & 0xFF] ^ (sum >> 8);
  }
  return ~sum;
}

}  // namespace tessera::io
