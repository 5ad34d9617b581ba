#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <concepts>
#include <cstdint>
#include <limits>
#include <numbers>
#include <optional>
#include <string_view>
#include <utility>

#include "tessera/core/random/mersenne_twister.hpp"
#include "tessera/core/tensor.hpp"

namespace tessera {

namespace detail {

template <std::floating_point Scalar>
void check_uniform_range(std::string_view op, Scalar low, Scalar high) {
  if (!(low <= high && high - low <= std::numeric_limits<Scalar>::max())) {
    refuse(op, "low = ", low, ", high = ", high, " is not a finite range");
  }
}

/// The point of [low, high) at unit in [0, 1). Rounded once, as torch's fused arithmetic does,
/// whatever this is compiled with.
template <std::floating_point Scalar>
Scalar between(Scalar unit, Scalar low, Scalar high) {
  const Scalar value = std::fma(unit, high - low, low);
  return value >= high && value <= high ? low : value;
}

/// Where Generator::state() has what.
struct GeneratorStateLayout {
  static constexpr Index seed = 0;
  static constexpr Index position = 1;            ///< words that are used up
  static constexpr Index has_pending_normal = 2;  ///< 0 or 1
  static constexpr Index pending_normal = 3;      ///< bits of a double
  static constexpr Index words = 4;               ///< the first of the engine's 624 words
  static constexpr Index size = words + static_cast<Index>(MersenneTwister::size);
};

}  // namespace detail

/// Random numbers as torch's CPU generator draws them: the same seed gives the same numbers as
/// PyTorch 2.13, on every platform. A plain value: copy it to draw the same numbers twice, compare
/// it, save and restore it by state(). Also a std::uniform_random_bit_generator.
///
///     Generator generator(7);
///     initialize(mae, InitRecipe::mae, generator);
///     const Tensor<std::int64_t, 1> saved = generator.state();
///     Generator resumed(saved);  // draws what `generator` draws
class Generator {
 public:
  using result_type = std::uint32_t;
  static constexpr std::uint64_t default_seed = 67280421310721;  // torch's
  static constexpr auto state_size = static_cast<std::size_t>(detail::GeneratorStateLayout::size);

  /// The state after torch.manual_seed(seed); only the lower 32 bits drive the numbers.
  explicit Generator(std::uint64_t seed = default_seed)
      : seed_(seed), engine_(static_cast<std::uint32_t>(seed)) {}

  /// Continues where the generator whose state() this is stood. Throws std::invalid_argument for
  /// anything else.
  explicit Generator(const Tensor<std::int64_t, 1>& state);

  std::uint64_t seed() const { return seed_; }

  /// Everything there is to save, [628]: seed, position, pending normal (flag and bits) and
  /// words, where detail::GeneratorStateLayout says.
  Tensor<std::int64_t, 1> state() const;

  static constexpr result_type min() { return 0; }
  static constexpr result_type max() { return std::numeric_limits<result_type>::max(); }
  result_type operator()() { return random32(); }

  std::uint32_t random32() { return engine_(); }
  std::uint64_t random64() {
    const std::uint64_t high = random32();
    return high << 32 | random32();
  }

  /// Uniform in [0, 1): 24 bits from one word for float, 53 bits from two words otherwise.
  template <std::floating_point Scalar>
  Scalar uniform() {
    if constexpr (std::same_as<Scalar, float>) {
      return static_cast<float>(random32() & 0xffffffU) * 0x1p-24F;
    } else {
      return static_cast<Scalar>(random64() & 0x1fffffffffffffU) * Scalar(0x1p-53);
    }
  }

  /// Uniform in [low, high). Throws std::invalid_argument unless low <= high and the difference is
  /// finite.
  template <std::floating_point Scalar>
  Scalar uniform(Scalar low, Scalar high) {
    detail::check_uniform_range("uniform", low, high);
    return detail::between(uniform<Scalar>(), low, high);
  }

  /// Standard normal, in double. Draws come in pairs: the second one waits for the next call.
  double normal() {
    if (pending_normal_) return *std::exchange(pending_normal_, std::nullopt);
    const double turn = uniform<double>();
    const double radius = std::sqrt(-2.0 * std::log1p(-uniform<double>()));
    const double angle = 2.0 * std::numbers::pi * turn;
    pending_normal_ = radius * std::sin(angle);
    return radius * std::cos(angle);
  }

  /// Integer in [low, high). Throws std::invalid_argument unless low < high.
  Index randint(Index low, Index high) {
    if (!(low < high)) refuse("randint", "low = ", low, " must be less than high = ", high);
    const std::uint64_t range = static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low);
    const std::uint64_t bits = range >= std::uint64_t{1} << 28 ? random64() : random32();
    return static_cast<Index>(static_cast<std::uint64_t>(low) + bits % range);
  }

  /// True with the given probability. Throws std::invalid_argument unless it is in [0, 1].
  bool bernoulli(double probability) {
    if (!(probability >= 0.0 && probability <= 1.0)) {
      refuse("bernoulli", "probability = ", probability, " is outside [0, 1]");
    }
    return uniform<double>() < probability;
  }

  friend bool operator==(const Generator&, const Generator&) = default;

 private:
  std::uint64_t seed_;
  detail::MersenneTwister engine_;
  std::optional<double> pending_normal_;
};

inline Tensor<std::int64_t, 1> Generator::state() const {
  using Layout = detail::GeneratorStateLayout;
  Tensor<std::int64_t, 1> state({Layout::size});
  state(Layout::seed) = std::bit_cast<std::int64_t>(seed_);
  state(Layout::position) = static_cast<std::int64_t>(engine_.position());
  state(Layout::has_pending_normal) = pending_normal_.has_value() ? 1 : 0;
  state(Layout::pending_normal) = std::bit_cast<std::int64_t>(pending_normal_.value_or(0.0));
  std::ranges::copy(engine_.words(), &state(Layout::words));
  return state;
}

inline Generator::Generator(const Tensor<std::int64_t, 1>& state) : Generator(default_seed) {
  using Layout = detail::GeneratorStateLayout;
  constexpr std::string_view op = "Generator";
  if (state.size() != Layout::size) {
    refuse(op, "state ", state.shape(), " must be [", Layout::size, "]");
  }
  const std::int64_t position = state(Layout::position);
  constexpr auto words = static_cast<std::int64_t>(detail::MersenneTwister::size);
  if (!(position >= 0 && position <= words)) {
    refuse(op, "state(", Layout::position, ") = ", position, " is not a position in ", words,
           " words");
  }
  const std::int64_t has_pending = state(Layout::has_pending_normal);
  if (!(has_pending == 0 || has_pending == 1)) {
    refuse(op, "state(", Layout::has_pending_normal, ") = ", has_pending, " is not a flag");
  }
  std::array<std::uint32_t, detail::MersenneTwister::size> engine_words{};
  for (Index i = Layout::words; i < Layout::size; ++i) {
    if (!(state(i) >= 0 && state(i) <= std::int64_t{0xffffffff})) {
      refuse(op, "state(", i, ") = ", state(i), " is not a 32-bit word");
    }
    engine_words[static_cast<std::size_t>(i - Layout::words)] =
        static_cast<std::uint32_t>(state(i));
  }
  seed_ = std::bit_cast<std::uint64_t>(state(Layout::seed));
  engine_ = detail::MersenneTwister(engine_words, static_cast<std::size_t>(position));
  if (has_pending == 1) pending_normal_ = std::bit_cast<double>(state(Layout::pending_normal));
}

}  // namespace tessera
