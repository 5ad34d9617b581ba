#include "tessera/data/hash.hpp"

#include <bit>

#include "support/catch.hpp"

namespace tessera::data::test {

TEST_CASE("hashes are those of their definitions") {
  // The first outputs of splitmix64 from state 0, and FNV-1a's published values.
  CHECK(hash_of({0}) == 0xe220a8397b1dcdafU);
  CHECK(hash_text("", hash_text_start) == 0xcbf29ce484222325U);
  CHECK(hash_text("a", hash_text_start) == 0xaf63dc4c8601ec8cU);
  CHECK(hash_text("foobar", hash_text_start) == 0x85944171f73967e8U);
}

TEST_CASE("every bit of every number changes about half of a hash") {
  for (int which = 0; which < 3; ++which) {
    int changed = 0;
    for (int bit = 0; bit < 64; ++bit) {
      const std::uint64_t flip = std::uint64_t{1} << bit;
      changed += std::popcount(hash_of({1, 2, 3}) ^
                               hash_of({which == 0 ? 1 ^ flip : 1, which == 1 ? 2 ^ flip : 2,
                                        which == 2 ? 3 ^ flip : 3}));
    }
    CAPTURE(which, changed);
    CHECK(changed > 64 * 28);
    CHECK(changed < 64 * 36);
  }
  CHECK(hash_of({1, 2}) != hash_of({2, 1}));
  CHECK(hash_of({0}) != hash_of({0, 0}));
}

}  // namespace tessera::data::test
