#include "tessera/masking/interval.hpp"

#include <cmath>
#include <limits>

#include "support/catch.hpp"

using namespace tessera;

TEST_CASE("an interval is walked with two roundings") {
  const Interval interval{0.15, 0.2};
  CHECK(interval.at(0.0) == 0.15);
  CHECK(interval.at(1.0) == 0.15 + (0.2 - 0.15));
  // Fused, this one would be a unit in the last place higher.
  const double unit = 0x1.5e2982p-1;
  CHECK(interval.at(unit) == 0x1.793b806666666p-3);
  CHECK(std::fma(unit, 0.2 - 0.15, 0.15) == 0x1.793b806666667p-3);
}

TEST_CASE("intervals must be in order and within bounds") {
  REQUIRE_NOTHROW(detail::check_interval("op", "scale", {0.0, 1.0}, 0.0, 1.0));
  REQUIRE_NOTHROW(detail::check_interval("op", "scale", {0.3, 0.3}, 0.0, 1.0));
  REQUIRE_THROWS_WITH(detail::check_interval("op", "scale", {0.4, 0.3}, 0.0, 1.0),
                      "op: scale = [0.4, 0.3] must be in order and within [0, 1]");
  REQUIRE_THROWS_AS(detail::check_interval("op", "scale", {-0.1, 0.3}, 0.0, 1.0),
                    std::invalid_argument);
  REQUIRE_THROWS_AS(detail::check_interval("op", "scale", {0.1, 1.3}, 0.0, 1.0),
                    std::invalid_argument);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  REQUIRE_THROWS_AS(detail::check_interval("op", "scale", {nan, 0.3}, 0.0, 1.0),
                    std::invalid_argument);
  REQUIRE_THROWS_AS(detail::check_interval("op", "scale", {0.1, nan}, 0.0, 1.0),
                    std::invalid_argument);
}
