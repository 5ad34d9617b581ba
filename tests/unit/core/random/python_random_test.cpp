#include "tessera/core/random/python_random.hpp"

#include "support/catch.hpp"
#include "support/text_fixture.hpp"

using namespace tessera;

TEST_CASE("PythonGenerator draws what CPython's random module draws") {
  const test::TextFixture golden("rng.txt");
  for (const std::string& name : golden.cases("python")) {
    const auto seed = golden.values<std::uint64_t>(name + ".args")[0];
    PythonGenerator generator(seed);
    CAPTURE(seed);
    for (const double expected : golden.values<double>(name + ".random")) {
      REQUIRE(generator.random() == expected);
    }
    for (const double expected : golden.values<double>(name + ".uniform")) {
      REQUIRE(generator.uniform(4.0, 2.5) == expected);
    }
    for (const Index expected : golden.values<Index>(name + ".randint")) {
      REQUIRE(generator.randint(0, 9) == expected);
    }
    for (const Index expected : golden.values<Index>(name + ".one")) {
      REQUIRE(generator.randint(3, 3) == expected);
    }
    for (const Index expected : golden.values<Index>(name + ".wide")) {
      REQUIRE(generator.randint(-(Index{1} << 62), Index{1} << 61) == expected);
    }
    const auto bits = golden.values<std::uint64_t>(name + ".bits");
    const std::array<int, 6> counts = {1, 7, 31, 32, 33, 62};
    for (std::size_t i = 0; i < counts.size(); ++i) {
      REQUIRE(generator.getrandbits(counts[i]) == bits[i]);
    }
    std::vector<Index> order(15);
    for (std::size_t i = 0; i < order.size(); ++i) order[i] = static_cast<Index>(i);
    generator.shuffle(order);
    REQUIRE(order == golden.values<Index>(name + ".shuffle"));
    for (int i = 0; i < 700; ++i) generator.random();
    REQUIRE(generator.random() == golden.values<double>(name + ".later")[0]);
  }
}

TEST_CASE("PythonGenerator is a value") {
  PythonGenerator generator(3);
  PythonGenerator copy = generator;
  CHECK(copy == generator);
  CHECK(copy.random() == PythonGenerator(3).random());
  CHECK_FALSE(copy == generator);
  CHECK_FALSE(PythonGenerator(3) == PythonGenerator(4));
}

TEST_CASE("short sequences and no bits draw nothing") {
  PythonGenerator generator(3);
  std::vector<int> none;
  std::vector<int> one = {5};
  generator.shuffle(none);
  generator.shuffle(one);
  CHECK(one == std::vector<int>{5});
  CHECK(generator.getrandbits(0) == 0);
  CHECK(generator == PythonGenerator(3));
}

TEST_CASE("PythonGenerator errors name the op, the argument and the value") {
  PythonGenerator generator(1);
  REQUIRE_THROWS_WITH(generator.randint(2, 1), "randint: low = 2 exceeds high = 1");
  REQUIRE_THROWS_WITH(
      generator.randint(std::numeric_limits<Index>::min(), std::numeric_limits<Index>::max()),
      "randint: low = -9223372036854775808, high = 9223372036854775807 span more "
      "than 64 bits");
  REQUIRE_THROWS_WITH(generator.getrandbits(65), "getrandbits: bits = 65 is outside [0, 64]");
  REQUIRE_THROWS_AS(generator.getrandbits(-1), std::invalid_argument);
  CHECK(generator == PythonGenerator(1));
}
