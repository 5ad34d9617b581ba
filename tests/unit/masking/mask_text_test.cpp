#include "tessera/masking/mask_text.hpp"

#include "support/catch.hpp"

using namespace tessera;

TEST_CASE("tokens are drawn row by row, later layers on top") {
  const TokenIndex context({2, 3}, {0, 1, 5, 2, 3, 4});
  const TokenIndex target({2, 2}, {2, 5, 0, 1});
  CHECK(draw_tokens({{context, '#'}, {target, '0'}}, 0, {2, 3}) == "##0\n..0\n");
  CHECK(draw_tokens({{context, '#'}, {target, '0'}}, 1, {2, 3}) == "00#\n##.\n");
  CHECK(draw_tokens({}, 0, {1, 4}) == "....\n");
}

TEST_CASE("prefix tokens are not drawn") {
  const TokenIndex keep({1, 3}, {0, 1, 4});
  CHECK(draw_tokens({{keep, 'k'}}, 0, {2, 2}, 1) == "k.\n.k\n");
  const TokenMask mask({1, 5}, {true, false, true, true, false});
  CHECK(draw_mask(mask, 0, {2, 2}, 1) == ".#\n#.\n");
  CHECK(draw_mask(mask, 0, {1, 5}) == "#.##.\n");
}

TEST_CASE("drawing errors name what does not fit") {
  const TokenIndex index({1, 2}, {0, 4});
  REQUIRE_THROWS_WITH(draw_tokens({{index, '#'}}, 1, {2, 2}),
                      "draw_tokens: image = 1 is outside index [1, 2]");
  REQUIRE_THROWS_WITH(draw_tokens({{index, '#'}}, 0, {2, 2}),
                      "draw_tokens: index(0, 1) = 4 is not in the grid 2 x 2 behind 0 prefix "
                      "tokens");
  REQUIRE_THROWS_WITH(draw_tokens({{TokenIndex({1, 1}, {-1}), '#'}}, 0, {2, 2}, 1),
                      "draw_tokens: index(0, 0) = -1 is not in the grid 2 x 2 behind 1 prefix "
                      "tokens");
  REQUIRE_THROWS_WITH(draw_tokens({}, 0, {-2, 2}),
                      "draw_tokens: grid -2 x 2 and num_prefix_tokens = 0 must not be negative");
  REQUIRE_THROWS_WITH(draw_mask(TokenMask({1, 4}, false), -1, {2, 2}),
                      "draw_mask: image = -1 is outside mask [1, 4]");
  REQUIRE_THROWS_WITH(draw_mask(TokenMask({1, 4}, false), 0, {2, 2}, 1),
                      "draw_mask: mask [1, 4] does not fit the grid 2 x 2 behind 1 prefix tokens");
}
