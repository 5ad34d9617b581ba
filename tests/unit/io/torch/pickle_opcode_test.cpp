#include "tessera/io/torch/pickle_opcode.hpp"

#include "support/catch.hpp"

namespace tessera::io::test {

TEST_CASE("an opcode is shown as a number, and as its letter if it is one") {
  CHECK(detail::opcode_text('i') == "0x69 ('i')");
  CHECK(detail::opcode_text(0x82) == "0x82");
}

}  // namespace tessera::io::test
