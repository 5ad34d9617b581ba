#include "tessera/kernels/matmul/operand.hpp"

#include <numeric>
#include <vector>

#include "support/catch.hpp"

namespace tessera::kernels {

TEST_CASE("an operand reads rows and columns of one matrix, from any place on") {
  std::vector<float> values(30);  // [5, 6]
  std::iota(values.begin(), values.end(), 0.0F);
  const StridedOperand rows{values.data(), 6, 1};
  const StridedOperand columns{values.data(), 1, 6};
  CHECK(*rows.at(2, 3) == 15);
  CHECK(*columns.at(3, 2) == 15);
  CHECK(*rows.from(1, 2).at(1, 1) == 15);
  CHECK(*columns.from(2, 1).at(1, 1) == 15);
}

}  // namespace tessera::kernels
