#pragma once

#include <array>
#include <bit>
#include <cstdint>
#include <iterator>
#include <span>
#include <utility>

#include "tessera/core/error.hpp"
#include "tessera/core/random/mersenne_twister.hpp"

namespace tessera {

namespace detail {

/// a * b + c as Python computes it, rounded twice, also where the compiler would fuse the two.
inline double multiply_then_add(double a, double b, double c) {
  const volatile double product = a * b;
  return product + c;
}

}  // namespace detail

/// The stream of CPython's `random` module (3.2 and later): the same seed gives the same numbers,
/// on every platform. A plain value, copyable and comparable.
class PythonGenerator {
 public:
  /// The state after random.seed(seed).
  explicit PythonGenerator(std::uint64_t seed) : engine_(seeded(seed)) {}

  /// `bits` random bits, 0 <= bits <= 64.
  std::uint64_t getrandbits(int bits) {
    if (!(bits >= 0 && bits <= 64)) refuse("getrandbits", "bits = ", bits, " is outside [0, 64]");
    if (bits == 0) return 0;
    if (bits <= 32) return engine_() >> (32 - bits);
    const std::uint64_t low = engine_();
    return low | std::uint64_t{engine_() >> (64 - bits)} << 32;
  }

  /// Uniform in [0, 1), 53 bits.
  double random() {
    const std::uint64_t high = engine_() >> 5;
    const std::uint64_t low = engine_() >> 6;
    return static_cast<double>(high << 26 | low) * 0x1p-53;
  }

  /// low + (high - low) * random(); the bounds may be in either order.
  double uniform(double low, double high) {
    return detail::multiply_then_add(high - low, random(), low);
  }

  /// Integer in [low, high], both included. Throws std::invalid_argument if low > high.
  Index randint(Index low, Index high) {
    if (!(low <= high)) refuse("randint", "low = ", low, " exceeds high = ", high);
    const std::uint64_t span = static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low);
    if (!(span < ~std::uint64_t{0})) {
      refuse("randint", "low = ", low, ", high = ", high, " span more than 64 bits");
    }
    return static_cast<Index>(static_cast<std::uint64_t>(low) + below(span + 1));
  }

  /// random.shuffle: reorders in place.
  template <class Sequence>
  void shuffle(Sequence& sequence) {
    using std::swap;
    const auto first = std::begin(sequence);
    for (auto i = std::size(sequence); i-- > 1;) {
      const std::uint64_t j = below(static_cast<std::uint64_t>(i) + 1);
      swap(first[static_cast<std::ptrdiff_t>(i)], first[static_cast<std::ptrdiff_t>(j)]);
    }
  }

  friend bool operator==(const PythonGenerator&, const PythonGenerator&) = default;

 private:
  static detail::MersenneTwister seeded(std::uint64_t seed) {
    const std::array<std::uint32_t, 2> words = {static_cast<std::uint32_t>(seed),
                                                static_cast<std::uint32_t>(seed >> 32)};
    return detail::MersenneTwister(std::span(words).first(words[1] == 0 ? 1 : 2));
  }

  /// In [0, count): draws just enough bits and rejects what is too large.
  std::uint64_t below(std::uint64_t count) {
    const auto bits = static_cast<int>(std::bit_width(count));
    std::uint64_t value = getrandbits(bits);
    while (value >= count) value = getrandbits(bits);
    return value;
  }

  detail::MersenneTwister engine_;
};

}  // namespace tessera
