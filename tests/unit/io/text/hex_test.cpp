#include "tessera/io/text/hex.hpp"

#include "support/catch.hpp"

namespace tessera::io::test {

TEST_CASE("hex writes the lowest digits, zeros in front") {
  CHECK(hex(10, 4) == "000a");
  CHECK(hex(0xFEDCBA9876543210U, 16) == "fedcba9876543210");
  CHECK(hex(0x1FF, 2) == "ff");
  CHECK(hex(7, 0).empty());
}

}  // namespace tessera::io::test
