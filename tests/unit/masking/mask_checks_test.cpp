#include "tessera/masking/mask_checks.hpp"

#include <limits>

#include "support/catch.hpp"

using namespace tessera;

TEST_CASE("kept counts take 1 - ratio first, in double") {
  struct Row {
    Index count;
    double ratio;
    Index kept;
  };
  for (const Row& row : {Row{10, 0.9, 0}, Row{20, 0.8, 3}, Row{25, 0.8, 4}, Row{100, 0.9, 9},
                         Row{196, 0.9, 19}, Row{256, 0.9, 25}, Row{10, 0.6, 4}, Row{25, 0.6, 10},
                         Row{100, 0.6, 40}, Row{7, 0.0, 7}, Row{7, 1.0, 0}, Row{0, 0.5, 0}}) {
    CAPTURE(row.count, row.ratio);
    CHECK(detail::kept_count(row.count, row.ratio) == row.kept);
  }
}

TEST_CASE("masked counts are cut off, not rounded") {
  CHECK(detail::masked_count(196, 0.65) == 127);
  CHECK(detail::masked_count(16, 0.05) == 0);
  CHECK(detail::masked_count(10, 0.3) == 3);
}

TEST_CASE("halves are rounded to even") {
  for (const auto& [value, rounded] :
       {std::pair{0.5, 0}, {1.5, 2}, {2.5, 2}, {3.5, 4}, {2.4, 2}, {2.6, 3}, {7.0, 7}}) {
    CHECK(detail::round_half_even(value) == rounded);
  }
}

TEST_CASE("check messages name the op, the argument and the value") {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  REQUIRE_THROWS_WITH(detail::check_ratio("op", "mask_ratio", -0.1),
                      "op: mask_ratio = -0.1 is outside [0, 1]");
  REQUIRE_THROWS_WITH(detail::check_ratio("op", "mask_ratio", nan),
                      "op: mask_ratio = nan is outside [0, 1]");
  REQUIRE_THROWS_WITH(detail::check_mask_size("op", Shape<3>{2, 0, 4}),
                      "op: size [2, 0, 4] must be at least 1 on every axis");
  REQUIRE_THROWS_WITH(detail::check_aspects("op", 2.0, 1.0),
                      "op: aspect ratios [2, 1] must be in order and within [0.001, 1000]");
  REQUIRE_THROWS_AS(detail::check_aspects("op", 0.0, 1.0), std::invalid_argument);
  REQUIRE_THROWS_AS(detail::check_aspects("op", nan, 1.0), std::invalid_argument);
  REQUIRE_THROWS_AS(detail::check_aspects("op", 1.0, nan), std::invalid_argument);
}
