#include "tessera/core/random/mersenne_twister.hpp"

#include <random>

#include "support/catch.hpp"

using tessera::detail::MersenneTwister;

TEST_CASE("the engine is the standard MT19937") {
  for (const std::uint32_t seed : {0U, 1U, 5489U, 0xffffffffU}) {
    MersenneTwister engine(seed);
    std::mt19937 standard(seed);
    for (int i = 0; i < 2000; ++i) REQUIRE(engine() == standard());
  }
}

TEST_CASE("the engine seeded by a key gives the published sequence") {
  // First outputs of mt19937ar.c for init_by_array({0x123, 0x234, 0x345, 0x456}).
  const std::array<std::uint32_t, 4> key = {0x123, 0x234, 0x345, 0x456};
  MersenneTwister engine{std::span<const std::uint32_t>(key)};
  for (const std::uint32_t expected : {1067595299U, 955945823U, 477289528U, 4107218783U}) {
    CHECK(engine() == expected);
  }
}

TEST_CASE("a key longer than the state is used up") {
  std::array<std::uint32_t, 700> key{};
  for (std::size_t i = 0; i < key.size(); ++i) key[i] = static_cast<std::uint32_t>(i * i);
  const MersenneTwister engine{std::span<const std::uint32_t>(key)};
  key.back() += 1;
  const MersenneTwister other{std::span<const std::uint32_t>(key)};
  CHECK_FALSE(engine == other);
}

TEST_CASE("words and position restore the engine anywhere") {
  for (const int used : {0, 1, 623, 624, 625, 1500}) {
    MersenneTwister engine(42U);
    for (int i = 0; i < used; ++i) engine();
    MersenneTwister restored(engine.words(), engine.position());
    REQUIRE(restored == engine);
    for (int i = 0; i < 1300; ++i) REQUIRE(restored() == engine());
  }
}
