#include "tessera/kernels/partition.hpp"

#include <utility>
#include <vector>

#include "support/catch.hpp"

namespace tessera::kernels {

TEST_CASE("pieces are in order, leave nothing out, and are even but for their unit") {
  for (const Index unit : {1, 16}) {
    for (const Index total : {1, 15, 16, 17, 100, 256, 257, 1000}) {
      const EvenPartition pieces(total, 48, unit);
      Index next = 0;
      for (Index i = 0; i < pieces.count; ++i) {
        CHECK(pieces.begin(i) == next);
        CHECK((next == total || next % unit == 0));
        CHECK(pieces.size(i) >= 0);
        CHECK(pieces.size(i) <= 48);
        if (unit == 1) CHECK(pieces.size(i) >= total / pieces.count);
        next += pieces.size(i);
      }
      CHECK(next == total);
    }
  }
}

TEST_CASE("for_each_part calls for no empty piece") {
  using Pieces = std::vector<std::pair<Index, Index>>;
  const auto called = [](Index count, Index longest) {
    Pieces found;
    for_each_part({count, longest},
                  [&](Index first, Index size) { found.push_back({first, size}); });
    return found;
  };
  CHECK(called(0, 4).empty());
  CHECK(called(4, 4) == Pieces{{0, 4}});
  CHECK(called(10, 4) == Pieces{{0, 3}, {3, 3}, {6, 4}});
}

TEST_CASE("a piece in between is a view with a gap after each row") {
  RowScratch<float> memory(3, 32);
  const MatrixView<float> rows = memory.rows(2);
  CHECK(rows.rows == 2);
  CHECK(rows.cols == 32);
  CHECK(rows.stride == 48);
}

}  // namespace tessera::kernels
