#include "tessera/masking/token_mask.hpp"

#include <limits>

#include "support/catch.hpp"
#include "tessera/core/random/distributions.hpp"

using namespace tessera;

TEST_CASE("an index becomes a mask and comes back ascending") {
  const TokenIndex index({2, 3}, {4, 0, 2, 3, 1, 4});
  const TokenMask mask = to_token_mask(index, 5);
  CHECK(mask ==
        TokenMask({2, 5}, {true, false, true, false, true, false, true, false, true, true}));
  CHECK(to_token_index(mask) == TokenIndex({2, 3}, {0, 2, 4, 1, 3, 4}));
}

TEST_CASE("round trips hold for every count, none and all included") {
  Generator generator(2);
  for (Index count = 0; count <= 12; ++count) {
    TokenIndex index = TokenIndex::empty({4, count});
    for (Index b = 0; b < 4; ++b) {
      const Tensor<Index, 1> order = randperm(12, generator);
      std::copy_n(order.begin(), count, index.row(b));
    }
    const TokenIndex others = complement(index, 12);
    CHECK(others.shape() == Shape<2>{4, 12 - count});
    CHECK(is_partition(index, others, 12));
    CHECK(complement(others, 12) == to_token_index(to_token_mask(index, 12)));
    CHECK(to_token_mask(others, 12) == complement(to_token_mask(index, 12)));
    CHECK(shift_index(shift_index(index, 5), -5) == index);
    CHECK(to_token_mask(shift_index(index, 3), 15) == prepend_prefix(to_token_mask(index, 12), 3));
  }
}

TEST_CASE("duplicates are harmless in a mask") {
  CHECK(to_token_mask(TokenIndex({1, 3}, {1, 1, 2}), 3) == TokenMask({1, 3}, {false, true, true}));
}

TEST_CASE("empty batches convert to empty ones") {
  CHECK(to_token_index(TokenMask({0, 5}, false)).shape() == Shape<2>{0, 0});
  CHECK(to_token_mask(TokenIndex({0, 3}), 5).shape() == Shape<2>{0, 5});
  CHECK(complement(TokenMask({0, 5}, false)).shape() == Shape<2>{0, 5});
}

TEST_CASE("is_partition refuses what is missing, doubled, outside or of another batch") {
  const TokenIndex keep({2, 2}, {0, 3, 1, 2});
  CHECK(is_partition(keep, TokenIndex({2, 2}, {2, 1, 0, 3}), 4));
  CHECK_FALSE(is_partition(keep, TokenIndex({2, 2}, {2, 1, 0, 1}), 4));
  CHECK_FALSE(is_partition(keep, TokenIndex({2, 2}, {2, 1, 0, 4}), 4));
  CHECK_FALSE(is_partition(keep, TokenIndex({2, 2}, {2, 1, 0, -1}), 4));
  CHECK_FALSE(is_partition(keep, TokenIndex({2, 1}, {2, 0}), 4));
  CHECK_FALSE(is_partition(keep, TokenIndex({2, 2}, {2, 1, 0, 3}), 5));
  CHECK_FALSE(is_partition(keep, TokenIndex({1, 2}, {2, 1}), 4));
}

TEST_CASE("token mask errors name the op, the entry and the bound") {
  REQUIRE_THROWS_WITH(to_token_mask(TokenIndex({1, 2}, {0, 3}), 3),
                      "to_token_mask: index(0, 1) = 3 is outside [0, 3)");
  REQUIRE_THROWS_WITH(to_token_mask(TokenIndex({1, 1}), -1),
                      "to_token_mask: length = -1 is negative");
  REQUIRE_THROWS_WITH(to_token_index(TokenMask({2, 2}, {true, false, true, true})),
                      "to_token_index: row 1 of the mask has 2 true tokens, row 0 has 1");
  REQUIRE_THROWS_WITH(complement(TokenIndex({1, 2}, {1, 1}), 3),
                      "complement: index(0, 1) = 1 appears twice in its row");
  REQUIRE_THROWS_WITH(complement(TokenIndex({1, 2}, {1, -1}), 3),
                      "complement: index(0, 1) = -1 is outside [0, 3)");
  REQUIRE_THROWS_WITH(complement(TokenIndex({1, 1}), -1), "complement: length = -1 is negative");
  REQUIRE_THROWS_WITH(shift_index(TokenIndex({1, 2}, {1, 0}), -1),
                      "shift_index: index(0, 1) = 0 shifted by -1 is no index");
  REQUIRE_THROWS_WITH(shift_index(TokenIndex({1, 1}, {1}), std::numeric_limits<Index>::max()),
                      "shift_index: index(0, 0) = 1 shifted by 9223372036854775807 is no index");
  REQUIRE_THROWS_WITH(prepend_prefix(TokenMask({1, 2}, false), -1),
                      "prepend_prefix: num_prefix_tokens = -1 is negative");
}
