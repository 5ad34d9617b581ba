#include "tessera/nn/position_embedding.hpp"

#include "support/catch.hpp"
#include "support/close.hpp"
#include "support/near.hpp"
#include "support/throws.hpp"

namespace tessera::test {
namespace {

TEMPLATE_TEST_CASE("sincos_position_embedding: the values of the published MAE", "[golden]", float,
                   double) {
  // Width 8, grid 2 x 2: the column half comes first.
  const Tensor<double, 3> expected(
      {1, 4, 8},
      {0,         0,         1,         1,      0,         0,         1,         1,
       .84147098, .00999983, .54030231, .99995, 0,         0,         1,         1,
       0,         0,         1,         1,      .84147098, .00999983, .54030231, .99995,
       .84147098, .00999983, .54030231, .99995, .84147098, .00999983, .54030231, .99995});
  const auto table = sincos_position_embedding<TestType>(8, {2, 2});
  REQUIRE(table.shape() == expected.shape());
  // Eight decimals, and half a unit in the last place of a float below 1.
  const double digits = std::is_same_v<TestType, float> ? 5e-9 + 3e-8 : 5e-9;
  for (Index i = 0; i < table.size(); ++i) {
    CHECK(table.data()[i] == near(expected.data()[i], digits));
  }
  // Equal in all digits.
  CHECK(table(0, 1, 0) == static_cast<TestType>(std::sin(1.0)));
  CHECK(table(0, 1, 1) == static_cast<TestType>(std::sin(0.01)));
  CHECK(table(0, 2, 7) == static_cast<TestType>(std::cos(0.01)));
}

TEST_CASE("sincos_position_embedding: rows and columns of a wide grid") {
  const auto table = sincos_position_embedding<double>(16, {2, 5});
  REQUIRE(table.shape() == Shape<3>{1, 10, 16});
  for (Index k = 0; k < 4; ++k) {
    const double omega = std::pow(10000.0, -static_cast<double>(k) / 4);
    CHECK(table(0, 8, k) == near(std::sin(3 * omega), 1e-15));
    CHECK(table(0, 8, 4 + k) == near(std::cos(3 * omega), 1e-15));
    CHECK(table(0, 8, 8 + k) == near(std::sin(omega), 1e-15));
    CHECK(table(0, 8, 12 + k) == near(std::cos(omega), 1e-15));
  }
}

TEST_CASE("sincos_position_embedding: prefix tokens get zero rows, patches none") {
  for (const Index prefix : {0, 1, 8}) {
    const auto table = sincos_position_embedding<double>(8, {3, 2}, prefix);
    REQUIRE(table.shape() == Shape<3>{1, prefix + 6, 8});
    CHECK(std::all_of(table.begin(), table.row(prefix), [](double x) { return x == 0; }));
    CHECK(values_of(sincos_position_embedding<double>(8, {3, 2})) ==
          Values(table.row(prefix), table.end()));
    for (Index row = prefix; row < prefix + 6; ++row) {
      CHECK(std::any_of(table.row(row), table.row(row) + 8, [](double x) { return x != 0; }));
    }
  }
}

TEST_CASE("sincos_position_embedding: what makes no table is refused") {
  CHECK(error_of([] { sincos_position_embedding<float>(10, {2, 2}); }) ==
        "sincos_position_embedding: dim = 10 must be a positive multiple of 4");
  CHECK(error_of([] { sincos_position_embedding<float>(0, {2, 2}); }) ==
        "sincos_position_embedding: dim = 0 must be a positive multiple of 4");
  CHECK(error_of([] { sincos_position_embedding<float>(8, {0, 2}); }) ==
        "sincos_position_embedding: grid 0 x 2 with 0 prefix tokens is not possible");
  CHECK(error_of([] { sincos_position_embedding<float>(8, {2, 2}, -1); }) ==
        "sincos_position_embedding: grid 2 x 2 with -1 prefix tokens is not possible");
}

}  // namespace
}  // namespace tessera::test
