#pragma once

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>

#include "tessera/io/torch/pickle_stack.hpp"

namespace tessera::io::detail {

/// The bytes of a pickle from first to last. Whatever is not there is refused through the stack,
/// which knows the file and the place.
class PickleCursor {
 public:
  PickleCursor(std::span<const std::byte> bytes, const PickleStack& stack)
      : bytes_(bytes), stack_(stack) {}

  std::size_t position() const { return position_; }
  std::size_t left() const { return bytes_.size() - position_; }

  std::string_view take(std::uint64_t count) {
    if (count > left()) {
      stack_.refuse("needs ", count, " bytes, but the pickle ends after ", left());
    }
    const std::string_view taken(reinterpret_cast<const char*>(bytes_.data()) + position_, count);
    position_ += taken.size();
    return taken;
  }

  template <class T>
  T number() {
    T value;
    std::memcpy(&value, take(sizeof(T)).data(), sizeof(T));
    return value;
  }

  /// Up to the next line feed, which is skipped.
  std::string_view line() {
    const std::string_view rest(reinterpret_cast<const char*>(bytes_.data()) + position_,
                                std::min(bytes_.size() - position_, PickleLimits::name_bytes + 1));
    const std::size_t size = rest.find('\n');
    if (size == std::string_view::npos) stack_.refuse("a name has no end within its limit");
    position_ += size + 1;
    return rest.substr(0, size);
  }

  /// A whole number of up to 8 bytes, little-endian two's complement.
  static std::int64_t integer(std::string_view bytes) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      value |= std::uint64_t{static_cast<unsigned char>(bytes[i])} << (8 * i);
    }
    if (!bytes.empty() && bytes.size() < 8 && (bytes.back() & 0x80) != 0) {
      value |= ~std::uint64_t{0} << (8 * bytes.size());
    }
    return static_cast<std::int64_t>(value);
  }

  /// 8 bytes, big-endian.
  double real() {
    std::uint64_t value = 0;
    for (const char byte : take(8)) value = value << 8 | static_cast<unsigned char>(byte);
    return std::bit_cast<double>(value);
  }

 private:
  std::span<const std::byte> bytes_;
  const PickleStack& stack_;
  std::size_t position_ = 0;
};

}  // namespace tessera::io::detail
