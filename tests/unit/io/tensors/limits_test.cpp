#include "tessera/io/tensors/limits.hpp"

#include <limits>

#include "support/catch.hpp"

namespace tessera::io::test {

TEST_CASE("a size within the limits fits a signed 64-bit index in bytes of the widest dtype") {
  STATIC_REQUIRE(TensorLimits::dimension <=
                 static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) / 8);
  STATIC_REQUIRE(TensorLimits::rank >= 5);  // a video model's patch embedding
}

}  // namespace tessera::io::test
