#include "tessera/kernels/matmul/bfloat16.hpp"

#include <bit>
#include <vector>

#include "support/bfloat16_bits.hpp"
#include "support/catch.hpp"

namespace tessera::kernels {

TEST_CASE("floats are rounded to the nearest bfloat16, ties to even") {
  for (const float value : test::hard_values()) {
    Float4 vector{};
    vector[0] = value;
    VectorTraits<Float4>::Words bits;
    detail::round_to_bfloat16(vector, bits);
    CHECK(bits[0] >> 16 == test::bfloat16_bits(value));
  }
}

TEST_CASE("words take 16 at a time, two values each") {
  CHECK(pair_count(0) == 0);
  CHECK(pair_count(1) == 16);
  CHECK(pair_count(32) == 16);
  CHECK(pair_count(33) == 32);
}

TEST_CASE("the even and the odd values of words come apart again") {
  const std::vector<float> values = test::hard_values();
  std::vector<float> words;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::uint32_t odd = test::bfloat16_bits(values[values.size() - 1 - i]);
    words.push_back(std::bit_cast<float>(odd << 16 | test::bfloat16_bits(values[i])));
  }
  std::vector<float> row(values.size());
  const auto count = static_cast<Index>(values.size());
  for (const Index k : {6, 7}) {
    unpair_row(words.data(), k, count, row.data());
    for (std::size_t i = 0; i < values.size(); ++i) {
      const float expected = values[k % 2 == 0 ? i : values.size() - 1 - i];
      REQUIRE(std::bit_cast<std::uint32_t>(row[i]) == test::bfloat16_bits(expected) << 16);
    }
  }
}

}  // namespace tessera::kernels
