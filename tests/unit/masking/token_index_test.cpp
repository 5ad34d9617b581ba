#include "tessera/masking/token_index.hpp"

#include "support/catch.hpp"
#include "support/throws.hpp"

namespace tessera {

using test::error_of;

TEST_CASE("check_token_index accepts whatever addresses the sequence") {
  CHECK_NOTHROW(check_token_index("op", "idx", TokenIndex({2, 3}, {0, 4, 2, 1, 1, 1}), 2, 5));
  CHECK_NOTHROW(check_token_index("op", "idx", TokenIndex({2, 0}), 2, 0));
  CHECK_NOTHROW(check_token_index("op", "idx", TokenIndex({0, 3}), 0, 5));
}

TEST_CASE("check_token_index names the entry that leaves the sequence") {
  CHECK(error_of([] { check_token_index("op", "idx", TokenIndex({2, 1}, {0, 5}), 2, 5); }) ==
        "op: idx(1, 0) = 5 is outside [0, 5)");
  CHECK(error_of([] { check_token_index("op", "idx", TokenIndex({1, 3}, {0, 1, -1}), 1, 5); }) ==
        "op: idx(0, 2) = -1 is outside [0, 5)");
  CHECK(error_of([] { check_token_index("op", "idx", TokenIndex({3, 2}), 2, 5); }) ==
        "op: idx [3, 2] must have 2 rows, one per image");
}

TEST_CASE("check_token_index_unique refuses a token named twice in a row, not in two rows") {
  CHECK_NOTHROW(check_token_index_unique("op", "idx", TokenIndex({2, 2}, {3, 0, 0, 3}), 4));
  CHECK_NOTHROW(check_token_index_unique("op", "idx", TokenIndex({2, 0}), 0));
  CHECK(error_of([] {
          check_token_index_unique("op", "idx", TokenIndex({2, 3}, {0, 1, 2, 3, 1, 3}), 4);
        }) == "op: idx(1, 2) = 3 appears twice in its row");
}

TEST_CASE("a TokenSelection selects everything unless told otherwise") {
  const TokenSelection selection;
  CHECK_FALSE(selection.idx_mask.has_value());
  CHECK_FALSE(selection.idx_keep.has_value());
  CHECK_FALSE(selection.mask.has_value());
}

}  // namespace tessera
