#include "tessera/kernels/matmul/bf16_pairs.hpp"

#include <bit>
#include <cmath>
#include <vector>

#include "support/bfloat16_bits.hpp"
#include "support/catch.hpp"
#include "support/random_tensor.hpp"

namespace tessera::kernels {

namespace {

/// The bfloat16 of row or column r and k in a block of either order.
std::uint32_t bits_at(const Tensor<float, 2>& block, PairOrder order, Index r, Index k) {
  const float pair = order == PairOrder::outer_major ? block(r, k / 2) : block(k / 2, r);
  const auto bits = std::bit_cast<std::uint32_t>(pair);
  return k % 2 == 0 ? bits & 0xffffU : bits >> 16;
}

/// A source of 16 rows and 32 values of k in either layout, cut to any part of it.
struct Source {
  Tensor<float, 2> by_row{{pair_block, 50}};
  Tensor<float, 2> by_k{{pair_k, 50}};

  explicit Source(const std::vector<float>& values) {
    std::size_t next = 0;
    for (Index r = 0; r < pair_block; ++r) {
      for (Index k = 0; k < pair_k; ++k) {
        by_row(r, k) = by_k(k, r) = values[next++ % values.size()];
      }
    }
  }
  StridedOperand operand(bool row_by_row) const {
    return row_by_row ? StridedOperand{by_row.data(), 50, 1} : StridedOperand{by_k.data(), 1, 50};
  }
};

template <PairOrder order, SplitPart part, class Expected>
void check_block(const Source& source, const Expected& expected) {
  for (const bool row_by_row : {true, false}) {
    for (const Index rows : {0, 1, 15, 16}) {
      for (const Index depth : {1, 2, 17, 32}) {
        INFO("row by row " << row_by_row << ", " << rows << " x " << depth);
        Tensor<float, 2> block({17, 20}, -1.0F);
        pack_bf16_pairs<order, part>(source.operand(row_by_row), rows, depth, block.data(), 20);
        for (Index r = 0; r < pair_block; ++r) {
          for (Index k = 0; k < pair_k; ++k) {
            const bool there = r < rows && k < depth;
            REQUIRE(bits_at(block, order, r, k) == (there ? expected(source.by_row(r, k)) : 0U));
          }
        }
        CHECK(block(15, 16) == -1.0F);
        CHECK(block(16, 0) == -1.0F);
      }
    }
  }
}

}  // namespace

TEST_CASE("blocks of pairs hold rounded values in either order, from either layout") {
  if (machine_isa() < Isa::avx512_bf16) return;  // nothing here can make them
  const Source source(test::hard_values());
  check_block<PairOrder::outer_major, SplitPart::high>(source, test::bfloat16_bits);
  check_block<PairOrder::k_major, SplitPart::high>(source, test::bfloat16_bits);
}

TEST_CASE("the low part is what rounding left over, rounded, and zero where nothing can be left") {
  if (machine_isa() < Isa::avx512_bf16) return;  // nothing here can make them
  const Source source(test::hard_values());
  const auto low = [](float x) {
    const float rounded = std::bit_cast<float>(test::bfloat16_bits(x) << 16);
    return test::bfloat16_bits(std::isfinite(rounded) ? x - rounded : 0.0F);
  };
  check_block<PairOrder::outer_major, SplitPart::low>(source, low);
  check_block<PairOrder::k_major, SplitPart::low>(source, low);
}

TEST_CASE("floats are rounded to the nearest bfloat16, ties to even") {
  for (const float value : test::hard_values()) {
    Float4 vector{};
    vector[0] = value;
    VectorTraits<Float4>::Bits bits;
    detail::round_to_bfloat16(vector, bits);
    CHECK(bits[0] >> 16 == test::bfloat16_bits(value));
  }
}

TEST_CASE("pairs come 16 at a time, two values each") {
  CHECK(pair_count(0) == 0);
  CHECK(pair_count(1) == 16);
  CHECK(pair_count(32) == 16);
  CHECK(pair_count(33) == 32);
}

TEST_CASE("the even and the odd values of pairs come apart again") {
  const std::vector<float> values = test::hard_values();
  std::vector<float> pairs;
  for (std::size_t i = 0; i < values.size(); ++i) {
    const std::uint32_t odd = test::bfloat16_bits(values[values.size() - 1 - i]);
    pairs.push_back(std::bit_cast<float>(odd << 16 | test::bfloat16_bits(values[i])));
  }
  std::vector<float> row(values.size());
  const auto count = static_cast<Index>(values.size());
  for (const Index k : {6, 7}) {
    unpair_row(pairs.data(), k, count, row.data());
    for (std::size_t i = 0; i < values.size(); ++i) {
      const float expected = values[k % 2 == 0 ? i : values.size() - 1 - i];
      REQUIRE(std::bit_cast<std::uint32_t>(row[i]) == test::bfloat16_bits(expected) << 16);
    }
  }
}

}  // namespace tessera::kernels
