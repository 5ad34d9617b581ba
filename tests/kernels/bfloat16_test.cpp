#include "tessera/kernels/bfloat16.hpp"

#include <bit>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "support/catch.hpp"
#include "support/each_isa.hpp"
#include "support/random_tensor.hpp"

namespace tessera::kernels {

namespace {

/// What the hardware's rule says: to the nearest, ties to even, by plain integers.
std::uint32_t bfloat16_bits(float x) {
  if (std::isnan(x)) return 0x7fc0U;
  const auto bits = std::bit_cast<std::uint32_t>(x);
  const std::uint32_t below = bits & 0xffffU;
  const bool up = below > 0x8000U || (below == 0x8000U && (bits >> 16) % 2 == 1);
  return (bits >> 16) + (up ? 1U : 0U);
}

std::vector<float> hard_values() {
  const float infinity = std::numeric_limits<float>::infinity();
  std::vector<float> values{0.0F,
                            -0.0F,
                            1.0F,
                            -1.0F,
                            infinity,
                            -infinity,
                            std::numeric_limits<float>::quiet_NaN(),
                            std::numeric_limits<float>::max(),
                            std::numeric_limits<float>::denorm_min(),
                            std::bit_cast<float>(0x3f808000U),  // ties
                            std::bit_cast<float>(0x3f818000U),
                            std::bit_cast<float>(0xbf808001U)};
  for (const float value : test::random_tensor<1, float>({89}, 1)) values.push_back(value);
  return values;
}

}  // namespace

TEST_CASE("pairs along a row hold neighbours, rounded to the nearest, on every instruction set") {
  const std::vector<float> row = hard_values();
  for (const Isa isa : test::every_isa()) {
    const ExecutionScope scope({.isa = isa});
    for (std::size_t count : {row.size(), row.size() - 1, std::size_t{1}, std::size_t{32}}) {
      std::vector<float> words(count / 2 + 2, -1.0F);
      pair_columns(row.data(), static_cast<Index>(count), words.data());
      CHECK(pair_count(static_cast<Index>(count)) == static_cast<Index>((count + 1) / 2));
      for (std::size_t i = 0; i < (count + 1) / 2; ++i) {
        const std::uint32_t high = 2 * i + 1 < count ? bfloat16_bits(row[2 * i + 1]) : 0U;
        REQUIRE(std::bit_cast<std::uint32_t>(words[i]) == (high << 16 | bfloat16_bits(row[2 * i])));
      }
      CHECK(words[(count + 1) / 2] == -1.0F);
    }
  }
}

TEST_CASE("pairs of two rows hold one value of each, and come apart again") {
  const std::vector<float> even = hard_values();
  const std::vector<float> odd(even.rbegin(), even.rend());
  const auto count = static_cast<Index>(even.size());
  for (const Isa isa : test::every_isa()) {
    const ExecutionScope scope({.isa = isa});
    std::vector<float> words(even.size() + 1, -1.0F);
    pair_rows(even.data(), odd.data(), count, words.data());
    CHECK(words.back() == -1.0F);
    for (const auto& [k, row] : {std::pair<Index, const std::vector<float>&>{6, even}, {7, odd}}) {
      std::vector<float> back(even.size());
      unpair_row(words.data(), k, count, back.data());
      for (std::size_t j = 0; j < even.size(); ++j) {
        REQUIRE(std::bit_cast<std::uint32_t>(back[j]) == bfloat16_bits(row[j]) << 16);
      }
    }
  }
}

}  // namespace tessera::kernels
