#include "tessera/core/random/generator.hpp"

#include <random>

#include "support/catch.hpp"
#include "support/near.hpp"
#include "support/text_fixture.hpp"

using namespace tessera;

namespace {

const test::TextFixture& golden() {
  static const test::TextFixture fixture("rng.txt");
  return fixture;
}

}  // namespace

TEST_CASE("uniform draws have torch's bits") {
  for (const std::string& name : golden().cases("rand")) {
    Generator generator(golden().values<std::uint64_t>(name + ".args")[0]);
    CAPTURE(name, generator.seed());
    for (const float expected : golden().values<float>(name + ".f32")) {
      REQUIRE(generator.uniform<float>() == expected);
    }
    for (const double expected : golden().values<double>(name + ".f64")) {
      REQUIRE(generator.uniform<double>() == expected);
    }
    for (int i = 0; i < 1300; ++i) generator.random32();
    for (const float expected : golden().values<float>(name + ".later")) {
      REQUIRE(generator.uniform<float>() == expected);
    }
  }
}

TEST_CASE("torch.manual_seed(0), (1) and (2) give the known first numbers") {
  Generator zero(0);
  CHECK(zero.uniform<float>() == test::near(0.49625659, 5e-9));
  CHECK(zero.uniform<float>() == test::near(0.76822180, 5e-9));
  Generator one(1);
  CHECK(one.uniform<float>() == test::near(0.75763160, 5e-9));
  CHECK(one.uniform<float>() == test::near(0.27931088, 5e-9));
  Generator two(2);
  CHECK(two.uniform<float>() == test::near(0.61469507, 5e-9));
  CHECK(two.uniform<float>() == test::near(0.38101286, 5e-9));
}

TEST_CASE("the default seed is torch's") {
  CHECK(Generator() == Generator(67280421310721));
  CHECK(Generator().seed() == 67280421310721);
}

TEST_CASE("only the lower 32 bits of a seed drive the numbers") {
  Generator low(5);
  Generator high((std::uint64_t{9} << 32) + 5);
  CHECK_FALSE(low == high);
  CHECK(low.random64() == high.random64());
}

TEST_CASE("random64 is two words, the first one high") {
  Generator words(3);
  const std::uint64_t first = words.random32();
  const std::uint64_t second = words.random32();
  CHECK(Generator(3).random64() == (first << 32 | second));
}

TEST_CASE("randint has torch's values and uses as many words") {
  for (const std::string& name : golden().cases("randint")) {
    const auto args = golden().values<Index>(name + ".args");
    CAPTURE(name, args[1], args[2]);
    Generator generator(static_cast<std::uint64_t>(args[0]));
    for (const Index expected : golden().values<Index>(name + ".values")) {
      REQUIRE(generator.randint(args[1], args[2]) == expected);
    }
    CHECK(generator.uniform<float>() == golden().values<float>(name + ".next")[0]);
  }
}

TEST_CASE("bernoulli has torch's values") {
  for (const std::string& name : golden().cases("bernoulli")) {
    const auto args = golden().values<double>(name + ".args");
    Generator generator(static_cast<std::uint64_t>(args[0]));
    CAPTURE(name, args[1]);
    for (const int expected : golden().values<int>(name + ".values")) {
      REQUIRE(generator.bernoulli(args[1]) == (expected == 1));
    }
  }
}

TEMPLATE_TEST_CASE("uniform stays inside its range", "", float, double) {
  Generator generator(17);
  const TestType low = TestType(-0.3);
  const TestType high = TestType(0.1);
  for (int i = 0; i < 20000; ++i) {
    const TestType value = generator.uniform<TestType>(low, high);
    REQUIRE(value >= low);
    REQUIRE(value < high);
  }
  CHECK(generator.uniform(high, high) == high);
}

TEST_CASE("normal draws come in pairs and the second waits") {
  Generator generator(8);
  const double first = generator.normal();
  Generator between = generator;
  const double second = generator.normal();
  CHECK(between.normal() == second);
  CHECK(first != second);
  // Four words for the pair.
  Generator words(8);
  for (int i = 0; i < 4; ++i) words.random32();
  CHECK(words.random32() == generator.random32());
}

TEST_CASE("a generator is a value: copies draw the same and compare equal") {
  Generator generator(99);
  generator.normal();
  Generator copy = generator;
  CHECK(copy == generator);
  const double drawn = copy.normal();
  CHECK_FALSE(copy == generator);
  CHECK(generator.normal() == drawn);
  CHECK(copy == generator);
}

TEST_CASE("state() restores a generator anywhere, a pending normal included") {
  for (const int used : {0, 1, 623, 624, 1000}) {
    Generator generator(0xdeadbeefcafef00d);
    for (int i = 0; i < used; ++i) generator.random32();
    generator.normal();
    Generator restored(generator.state());
    REQUIRE(restored == generator);
    CHECK(restored.seed() == 0xdeadbeefcafef00d);
    CHECK(restored.normal() == generator.normal());
    for (int i = 0; i < 700; ++i) REQUIRE(restored.random32() == generator.random32());
  }
}

TEST_CASE("a generator drives the standard library") {
  static_assert(std::uniform_random_bit_generator<Generator>);
  Generator generator(4);
  std::uniform_int_distribution<int> die(1, 6);
  for (int i = 0; i < 100; ++i) {
    const int value = die(generator);
    CHECK((value >= 1 && value <= 6));
  }
}

TEST_CASE("generator errors name the op, the argument and the value") {
  Generator generator(1);
  const Generator before = generator;
  REQUIRE_THROWS_WITH(generator.uniform(2.0, 1.0),
                      "uniform: low = 2, high = 1 is not a finite range");
  REQUIRE_THROWS_WITH(generator.uniform(0.0F, std::numeric_limits<float>::infinity()),
                      "uniform: low = 0, high = inf is not a finite range");
  REQUIRE_THROWS_AS(generator.uniform(std::nan(""), 1.0), std::invalid_argument);
  REQUIRE_THROWS_WITH(generator.randint(3, 3), "randint: low = 3 must be less than high = 3");
  REQUIRE_THROWS_WITH(generator.bernoulli(1.5), "bernoulli: probability = 1.5 is outside [0, 1]");
  REQUIRE_THROWS_AS(generator.bernoulli(std::nan("")), std::invalid_argument);

  Tensor<std::int64_t, 1> state = generator.state();
  REQUIRE_THROWS_WITH(Generator((Tensor<std::int64_t, 1>({7}))),
                      "Generator: state [7] must be [628]");
  state(1) = 625;
  REQUIRE_THROWS_WITH(Generator(state), "Generator: state(1) = 625 is not a position in 624 words");
  state(1) = 0;
  state(2) = 2;
  REQUIRE_THROWS_WITH(Generator(state), "Generator: state(2) = 2 is not a flag");
  state(2) = 0;
  state(9) = -1;
  REQUIRE_THROWS_WITH(Generator(state), "Generator: state(9) = -1 is not a 32-bit word");
  CHECK(generator == before);
}
