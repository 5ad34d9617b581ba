#include "tessera/core/ieee.hpp"

#include <cmath>
#include <limits>

#include "support/catch.hpp"

// tests/structure/check_flags.sh compiles this header with flags that change results.

namespace tessera {

TEST_CASE("numbers that are not finite are told from those that are") {
  const float infinity = std::numeric_limits<float>::infinity();
  CHECK_FALSE(std::isfinite(infinity - infinity));
  CHECK_FALSE(std::isfinite(infinity));
  CHECK(std::isfinite(std::numeric_limits<float>::max()));
}

}  // namespace tessera
