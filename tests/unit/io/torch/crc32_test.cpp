#include "tessera/io/torch/crc32.hpp"

#include "support/catch.hpp"
#include "support/io/files.hpp"

namespace tessera::io::test {

TEST_CASE("CRC-32 has the check value of its definition") {
  CHECK(crc32(bytes_of("123456789")) == 0xCBF43926);
  CHECK(crc32({}) == 0);
}

}  // namespace tessera::io::test
