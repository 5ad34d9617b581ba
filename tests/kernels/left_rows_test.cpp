#include "tessera/kernels/left_rows.hpp"

#include <bit>

#include "support/catch.hpp"
#include "support/random_tensor.hpp"

namespace tessera::kernels {

TEST_CASE("a left-hand side is read in place unless its rows share cache sets") {
  const auto a = test::random_tensor<2, float>({20, 1100}, 1);
  for (const Index stride : {1100, 1024}) {
    for (const bool by_rows : {true, false}) {
      const LeftOperand operand{a.data(), by_rows ? stride : 1, by_rows ? 1 : stride};
      const Index rows = by_rows ? 20 : 1000;
      const Index depth = by_rows ? 1000 : 20;
      const LeftRows left(operand, rows, depth, false);
      CHECK((left.operand().data == a.data()) == (stride == 1100));
      for (Index r = 0; r < rows; r += 7) {
        for (Index k = 0; k < depth; k += 3) REQUIRE(*left.operand().at(r, k) == *operand.at(r, k));
      }
      const Index copied = by_rows ? left.operand().row : left.operand().step;
      CHECK_FALSE(shares_cache_sets(copied));
    }
  }
}

TEST_CASE("as pairs a left-hand side has a word for every two steps, zero beyond an odd depth") {
  const auto a = test::random_tensor<2, float>({40, 40}, 1);
  for (const bool by_rows : {true, false}) {
    const LeftOperand operand{a.data(), by_rows ? 40 : 1, by_rows ? 1 : 40};
    const Index depth = 37;
    const LeftRows left(operand, 11, depth, true);
    for (Index r = 0; r < 11; ++r) {
      for (Index k = 0; k < 38; ++k) {
        float found = -1;
        unpair_row(left.operand().at(r, k / 2), k, 1, &found);
        if (k >= depth) {
          REQUIRE(found == 0.0F);
        } else {
          REQUIRE(std::abs(found - *operand.at(r, k)) <= std::abs(found) / 256);
        }
      }
    }
  }
}

}  // namespace tessera::kernels
