#include "tessera/core/random/erfinv.hpp"

#include "support/catch.hpp"
#include "support/near.hpp"
#include "support/text_fixture.hpp"

using tessera::erfinv;

TEST_CASE("erfinv is accurate to the last digits, tails included") {
  const tessera::test::TextFixture golden("rng.txt");
  const auto arguments = golden.values<double>("erfinv.arguments");
  const auto expected = golden.values<double>("erfinv.values");
  REQUIRE(arguments.size() > 150);
  double worst = 0.0;
  double worst_float = 0.0;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i] == 0.0) continue;
    worst = std::max(worst, std::abs(erfinv(arguments[i]) / expected[i] - 1.0));
    // A float argument is another number than the double: compare with the double result for it.
    const auto rounded = static_cast<float>(arguments[i]);
    if (std::abs(rounded) < 1.0F) {
      const double exact = erfinv(static_cast<double>(rounded));
      worst_float = std::max(worst_float, std::abs(erfinv(rounded) / exact - 1.0));
    }
  }
  INFO("largest relative error " << worst << ", in float " << worst_float);
  CHECK(worst < 2e-15);
  CHECK(worst_float < 7e-8);
}

TEST_CASE("erfinv is odd and undoes erf", "[erfinv]") {
  for (int i = -400; i <= 400; ++i) {
    const double x = i / 100.0;
    CHECK(erfinv(-std::erf(x)) == -erfinv(std::erf(x)));
    // Near 4 one unit in the last place of erf(x) is 1e-9 of x.
    CHECK(erfinv(std::erf(x)) == tessera::test::near(x, 1e-15 + 1e-16 * std::exp(x * x)));
  }
}

TEMPLATE_TEST_CASE("erfinv at and beyond the ends", "[erfinv]", float, double) {
  const TestType one = 1;
  CHECK(erfinv(one) == std::numeric_limits<TestType>::infinity());
  CHECK(erfinv(-one) == -std::numeric_limits<TestType>::infinity());
  CHECK(erfinv(TestType(0)) == TestType(0));
  CHECK(std::isnan(erfinv(TestType(1.5))));
  CHECK(std::isnan(erfinv(TestType(-2))));
  CHECK(std::isnan(erfinv(std::numeric_limits<TestType>::quiet_NaN())));
}
