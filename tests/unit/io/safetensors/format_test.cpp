#include "tessera/io/safetensors/format.hpp"

#include "support/catch.hpp"

namespace tessera::io::test {

TEST_CASE("an entry counts its elements by its bytes") {
  CHECK(SafetensorsEntry{"x", Dtype::f16, {2, 3}, 4, 16}.element_count() == 6);
}

}  // namespace tessera::io::test
