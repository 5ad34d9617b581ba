#include "tessera/kernels/left_rows.hpp"

#include <algorithm>
#include <cmath>

#include "support/catch.hpp"
#include "support/random_tensor.hpp"

namespace tessera::kernels {

TEST_CASE("a left-hand side is read in place unless a copy is read faster") {
  struct Case {
    bool by_rows;
    Index rows, depth, stride;
    bool in_place;
  };
  const auto a = test::random_tensor<2, float>({520, 1100}, 1);
  for (const auto& [by_rows, rows, depth, stride, in_place] :
       {Case{true, 20, 1000, 1100, true}, Case{true, 20, 1000, 1024, false},
        Case{true, 20, 1024, 1024, false}, Case{false, 1000, 20, 1100, true},
        Case{false, 1000, 20, 1024, false}, Case{false, 1003, 190, 1100, true},
        Case{false, 37, 515, 1100, false}}) {
    INFO(rows << " x " << depth << " stride " << stride);
    const LeftOperand operand{a.data(), by_rows ? stride : 1, by_rows ? 1 : stride};
    const LeftRows left(operand, rows, depth, false);
    CHECK((left.operand().data == a.data()) == in_place);
    CHECK_FALSE(shares_cache_sets(std::max(left.operand().row, left.operand().step)));
    for (Index r = 0; r < rows; ++r) {
      for (Index k = 0; k < depth; ++k) REQUIRE(*left.operand().at(r, k) == *operand.at(r, k));
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
