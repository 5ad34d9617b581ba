#include "tessera/kernels/matmul/pack_a.hpp"

#include <algorithm>
#include <cmath>

#include "support/catch.hpp"
#include "support/random_tensor.hpp"

namespace tessera::kernels {

TEST_CASE("A is read in place unless a copy is read faster") {
  struct Case {
    bool by_rows;
    Index rows, depth, stride;
    bool in_place;
  };
  const auto a = test::random_tensor<2, float>({520, 1100}, 1);
  for (const auto& [by_rows, rows, depth, stride, in_place] :
       {Case{true, 20, 1000, 1100, true}, Case{true, 20, 1000, 1024, false},
        Case{true, 20, 1024, 1024, false}, Case{true, 520, 1024, 1024, true},
        Case{false, 1000, 20, 1100, true}, Case{false, 1000, 20, 1024, false},
        Case{false, 1003, 190, 1100, true}, Case{false, 37, 515, 1100, false}}) {
    INFO(rows << " x " << depth << " stride " << stride);
    const StridedOperand operand{a.data(), by_rows ? stride : 1, by_rows ? 1 : stride};
    const PackedA left(operand, rows, depth, GemmInput::f32);
    CHECK((left.operand().data == a.data()) == in_place);
    if (!in_place) CHECK_FALSE(shares_cache_sets(left.operand().outer_stride));
    for (Index r = 0; r < rows; ++r) {
      for (Index k = 0; k < depth; ++k) REQUIRE(*left.operand().at(r, k) == *operand.at(r, k));
    }
  }
}

TEST_CASE("as pairs A has rows of whole blocks, zero beyond its depth") {
  if (machine_isa() < Isa::avx512_bf16) return;  // nothing here can make pairs
  const auto a = test::random_tensor<2, float>({50, 50}, 1);
  const Index depth = 37;
  const Index rows = 19;
  for (const GemmInput input : {GemmInput::bf16, GemmInput::bf16_split}) {
    for (const bool by_rows : {true, false}) {
      const StridedOperand operand{a.data(), by_rows ? 50 : 1, by_rows ? 1 : 50};
      const PackedA left(operand, rows, depth, input);
      CHECK(left.operand().k_stride == 1);
      CHECK(left.operand().outer_stride / 16 % 2 == 1);
      for (Index r = 0; r < rows; ++r) {
        for (Index k = 0; k < 64; ++k) {
          float value = -1;
          float low = 0;
          unpair_row(left.operand().at(r, k / 2), k, 1, &value);
          if (input == GemmInput::bf16_split) {
            unpair_row(left.operand().at(r, k / 2) + left.low_part(), k, 1, &low);
          }
          const float expected = k < depth ? *operand.at(r, k) : 0.0F;
          const float left_over = input == GemmInput::bf16_split ? 0x1p-16F : 0x1p-8F;
          REQUIRE(std::abs(value + low - expected) <= std::abs(expected) * left_over);
        }
      }
    }
  }
}

}  // namespace tessera::kernels
