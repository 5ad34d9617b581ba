#include "tessera/io/safetensors/options.hpp"

#include "support/catch.hpp"

namespace tessera::io::test {

TEST_CASE("bytes after the last tensor are an error unless they are allowed") {
  STATIC_REQUIRE_FALSE(SafetensorsOptions().allow_trailing_bytes);
}

}  // namespace tessera::io::test
