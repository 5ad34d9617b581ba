#include "tessera/core/random/distributions.hpp"

#include "support/catch.hpp"
#include "support/near.hpp"
#include "support/text_fixture.hpp"

using namespace tessera;

namespace {

const test::TextFixture& golden() {
  static const test::TextFixture fixture("rng.txt");
  return fixture;
}

template <class Scalar>
std::string dtype() {
  return std::same_as<Scalar, float> ? ".f32" : ".f64";
}

/// Largest difference, relative above 1.
template <class Scalar>
double worst_difference(std::span<const Scalar> values, const std::vector<Scalar>& expected) {
  REQUIRE(values.size() == expected.size());
  double worst = 0.0;
  for (std::size_t i = 0; i < expected.size(); ++i) {
    const double scale = std::max(1.0, std::abs(static_cast<double>(expected[i])));
    worst = std::max(worst, std::abs(static_cast<double>(values[i] - expected[i])) / scale);
  }
  return worst;
}

}  // namespace

TEMPLATE_TEST_CASE("rand fills in row-major order with torch's bits", "", float, double) {
  Generator generator(7);
  Generator draws(7);
  const auto values = rand<TestType>(Shape<3>{2, 3, 5}, generator);
  for (const TestType value : values) CHECK(value == draws.uniform<TestType>());
  CHECK(generator == draws);
}

TEMPLATE_TEST_CASE("fill_uniform has torch's bits", "", float, double) {
  for (const std::string& name : golden().cases("uniform")) {
    const auto args = golden().values<double>(name + ".args");
    const auto expected = golden().values<TestType>(name + dtype<TestType>());
    Generator generator(static_cast<std::uint64_t>(args[0]));
    std::vector<TestType> values(expected.size());
    fill_uniform(std::span(values), args[1], args[2], generator);
    CAPTURE(name);
    CHECK(values == expected);
  }
}

TEMPLATE_TEST_CASE("fill_normal follows torch for every size and leaves the same state", "", float,
                   double) {
  const double tolerance = std::same_as<TestType, float> ? 5e-7 : 1e-15;
  double worst = 0.0;
  for (const std::string& name : golden().cases("normal")) {
    const auto args = golden().values<double>(name + ".args");
    const auto expected = golden().values<TestType>(name + dtype<TestType>());
    Generator generator(static_cast<std::uint64_t>(args[0]));
    std::vector<TestType> values(expected.size());
    fill_normal(std::span(values), args[2], args[3], generator);
    worst = std::max(worst, worst_difference<TestType>(values, expected));

    const auto more = randn<TestType>(Shape<1>{3}, generator);
    const auto expected_more = golden().values<TestType>(name + dtype<TestType>() + ".more");
    worst = std::max(worst, worst_difference<TestType>(more.values(), expected_more));
    CAPTURE(name);
    CHECK(generator.uniform<TestType>() ==
          golden().values<TestType>(name + dtype<TestType>() + ".next")[0]);
  }
  INFO("largest difference " << worst);
  CHECK(worst <= tolerance);
}

TEMPLATE_TEST_CASE("fill_trunc_normal follows timm", "", float, double) {
  const double tolerance = std::same_as<TestType, float> ? 5e-7 : 2e-14;
  double worst = 0.0;
  for (const std::string& name : golden().cases("trunc_normal")) {
    const auto args = golden().values<double>(name + ".args");
    const auto expected = golden().values<TestType>(name + dtype<TestType>());
    Generator generator(static_cast<std::uint64_t>(args[0]));
    std::vector<TestType> values(expected.size());
    fill_trunc_normal(std::span(values), args[1], args[2], args[3], args[4], generator);
    worst = std::max(worst, worst_difference<TestType>(values, expected));
  }
  INFO("largest difference " << worst);
  CHECK(worst <= tolerance);
}

TEMPLATE_TEST_CASE("fill_trunc_normal samples lie between low and high", "", float, double) {
  Generator generator(3);
  std::vector<TestType> values(20000);
  fill_trunc_normal(std::span(values), 0.4, 1.0, -0.7, 1.5, generator);
  double sum = 0.0;
  for (const TestType value : values) {
    REQUIRE(value >= TestType(-0.7));
    REQUIRE(value <= TestType(1.5));
    sum += static_cast<double>(value);
  }
  // Symmetric about the mean, so that is the truncated mean too; standard error 0.004.
  CHECK(sum / 20000 == test::near(0.4, 0.02));
}

TEST_CASE("randperm has torch's order and uses as many words") {
  for (const std::string& name : golden().cases("randperm")) {
    const auto args = golden().values<Index>(name + ".args");
    Generator generator(static_cast<std::uint64_t>(args[0]));
    const Tensor<Index, 1> order = randperm(args[1], generator);
    CAPTURE(name);
    const auto expected = golden().values<Index>(name + ".values");
    CHECK(std::vector<Index>(order.begin(), order.end()) == expected);
    CHECK(generator.uniform<float>() == golden().values<float>(name + ".next")[0]);
  }
}

TEMPLATE_TEST_CASE("fills are the same bits for any number of threads", "[threads]", float,
                   double) {
  const auto draw = [](Index threads) {
    const ExecutionScope scope({.threads = threads});
    Generator generator(5);
    Tensor<TestType, 1> values({40007});
    fill_normal(values.values().first(20003), 0.0, 1.0, generator);
    fill_trunc_normal(values.values().subspan(20003), 0.0, 1.0, -2.0, 2.0, generator);
    return values;
  };
  const Tensor<TestType, 1> alone = draw(1);
  CHECK(draw(2) == alone);
  CHECK(draw(3) == alone);
}

TEST_CASE("fills of nothing leave the generator alone") {
  Generator generator(2);
  fill_normal(std::span<float>(), 0.0, 1.0, generator);
  fill_uniform(std::span<float>(), 0.0, 1.0, generator);
  fill_trunc_normal(std::span<float>(), 0.0, 1.0, -2.0, 2.0, generator);
  CHECK(rand<float>(Shape<2>{0, 3}, generator).size() == 0);
  CHECK(randperm(0, generator).size() == 0);
  CHECK(generator == Generator(2));
}

TEST_CASE("fill errors name the op, the argument and the value") {
  Generator generator(1);
  std::vector<double> storage(20, 7.0);
  const std::span<double> values(storage);
  REQUIRE_THROWS_WITH(fill_normal(values, 0.0, -1.0, generator),
                      "fill_normal: mean = 0, std = -1 must be finite, and std not negative");
  REQUIRE_THROWS_AS(fill_normal(values, std::nan(""), 1.0, generator), std::invalid_argument);
  REQUIRE_THROWS_WITH(
      fill_trunc_normal(values, 0.0, 0.0, -2.0, 2.0, generator),
      "fill_trunc_normal: mean = 0, std = 0, low = -2, high = 2 must be finite, with "
      "std > 0 and low < high");
  REQUIRE_THROWS_AS(fill_trunc_normal(values, 0.0, 1.0, 2.0, -2.0, generator),
                    std::invalid_argument);
  REQUIRE_THROWS_WITH(fill_uniform(values, 1.0, 0.0, generator),
                      "fill_uniform: low = 1, high = 0 is not a finite range");
  REQUIRE_THROWS_WITH(randperm(-1, generator), "randperm: count = -1 is outside [0, 214748364)");
  REQUIRE_THROWS_AS(randperm(214748364, generator), std::invalid_argument);
  CHECK(storage == std::vector<double>(20, 7.0));
  CHECK(generator == Generator(1));
}
