#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>

namespace tessera::detail {

/// MT19937: 624 words of state, 32 bits a draw (Matsumoto and Nishimura, 1998). Own code, because
/// <random> alone would cost 0.3 s in every translation unit.
class MersenneTwister {
 public:
  static constexpr std::size_t size = 624;

  /// Seeded by one word, as std::mt19937 and torch are.
  explicit constexpr MersenneTwister(std::uint32_t seed) {
    words_[0] = seed;
    for (std::size_t i = 1; i < size; ++i) words_[i] = 1812433253U * mixed(i - 1) + word(i);
  }

  /// Seeded by a key of one or more words (init_by_array), as CPython is.
  explicit constexpr MersenneTwister(std::span<const std::uint32_t> key)
      : MersenneTwister(19650218U) {
    std::size_t i = 1;
    std::size_t j = 0;
    const auto advance = [&] {
      if (++i == size) {
        words_[0] = words_[size - 1];
        i = 1;
      }
    };
    for (std::size_t left = key.size() > size ? key.size() : size; left > 0; --left) {
      words_[i] = (words_[i] ^ (mixed(i - 1) * 1664525U)) + key[j] + word(j);
      advance();
      if (++j == key.size()) j = 0;
    }
    for (std::size_t left = size - 1; left > 0; --left) {
      words_[i] = (words_[i] ^ (mixed(i - 1) * 1566083941U)) - word(i);
      advance();
    }
    words_[0] = 0x80000000U;
  }

  constexpr std::uint32_t operator()() {
    if (position_ == size) refill();
    std::uint32_t bits = words_[position_++];
    bits ^= bits >> 11;
    bits ^= (bits << 7) & 0x9d2c5680U;
    bits ^= (bits << 15) & 0xefc60000U;
    return bits ^ (bits >> 18);
  }

  /// The words and how many of them are used up: all there is to save.
  constexpr const std::array<std::uint32_t, size>& words() const { return words_; }
  constexpr std::size_t position() const { return position_; }
  constexpr MersenneTwister(const std::array<std::uint32_t, size>& words, std::size_t position)
      : words_(words), position_(position) {}

  friend bool operator==(const MersenneTwister&, const MersenneTwister&) = default;

 private:
  static constexpr std::uint32_t word(std::size_t i) { return static_cast<std::uint32_t>(i); }
  constexpr std::uint32_t mixed(std::size_t i) const { return words_[i] ^ (words_[i] >> 30); }

  constexpr void renew(std::size_t i, std::size_t next, std::size_t far) {
    const std::uint32_t joined = (words_[i] & 0x80000000U) | (words_[next] & 0x7fffffffU);
    words_[i] = words_[far] ^ (joined >> 1) ^ ((joined & 1U) * 0x9908b0dfU);
  }

  constexpr void refill() {
    constexpr std::size_t distance = 397;
    for (std::size_t i = 0; i < size - distance; ++i) renew(i, i + 1, i + distance);
    for (std::size_t i = size - distance; i < size - 1; ++i) renew(i, i + 1, i + distance - size);
    renew(size - 1, 0, distance - 1);
    position_ = 0;
  }

  std::array<std::uint32_t, size> words_{};
  std::size_t position_ = size;
};

}  // namespace tessera::detail
