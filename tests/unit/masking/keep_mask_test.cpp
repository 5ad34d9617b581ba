#include "tessera/masking/keep_mask.hpp"

#include "support/catch.hpp"

using namespace tessera;

TEMPLATE_TEST_CASE("argsort orders each row and keeps the order of equals", "", float, double) {
  const Tensor<TestType, 2> noise(
      {2, 5}, {TestType(0.5), TestType(0.1), TestType(0.5), TestType(-1), TestType(0.1),  //
               TestType(5), TestType(4), TestType(3), TestType(2), TestType(1)});
  CHECK(detail::argsort(noise) == TokenIndex({2, 5}, {3, 1, 4, 0, 2, 4, 3, 2, 1, 0}));
}

TEST_CASE("columns are split at any place") {
  const TokenIndex order({2, 3}, {2, 0, 1, 1, 2, 0});
  const KeepMask parts = detail::split_columns(order, 2);
  CHECK(parts.idx_keep == TokenIndex({2, 2}, {2, 0, 1, 2}));
  CHECK(parts.idx_mask == TokenIndex({2, 1}, {1, 0}));
  CHECK(detail::split_columns(order, 0).idx_keep.shape() == Shape<2>{2, 0});
  CHECK(detail::split_columns(order, 3).idx_mask.shape() == Shape<2>{2, 0});
}
