#include "tessera/ops/dropout.hpp"

#include <limits>

#include "support/ops.hpp"

namespace tessera::test {

TEMPLATE_TEST_CASE("drop_path drops whole images and scales the rest, in backward the same ones",
                   "", float, double) {
  Generator generator(1);
  Tape<TestType> tape(generator);
  const Var<TestType, 3> x = tape.variable(Tensor<TestType, 3>({2000, 2, 3}, TestType(3)));
  const Var<TestType, 3> y = drop_path(x, 0.25);
  tape.backward(weighted_sum(y, Tensor<TestType, 3>({2000, 2, 3}, TestType(3))));
  CHECK(*tape.gradient(x) == y.value());
  Index dropped = 0;
  Index mixed = 0;
  for (Index b = 0; b < 2000; ++b) {
    const TestType* image = y.value().data() + 6 * b;
    const Index zeros = std::count(image, image + 6, TestType(0));
    const Index kept = std::count(image, image + 6, TestType(4));
    dropped += zeros == 6;
    mixed += zeros != 6 && kept != 6;
  }
  CHECK(mixed == 0);
  CHECK(std::abs(static_cast<double>(dropped) - 500) <= 97);  // five deviations
}

TEST_CASE("one number is drawn per image, in order") {
  Generator generator(5);
  Tape<double> tape(generator);
  const Tensor<double, 2> y =
      drop_path(Var<double, 2>(Tensor<double, 2>({50, 4}, 1.0), &tape), 0.5).value();
  Generator same(5);
  for (Index b = 0; b < 50; ++b) CHECK(y(b, 3) == (same.uniform<double>() < 0.5 ? 2.0 : 0.0));
  CHECK(generator == same);
}

TEST_CASE("drop_path of different values, and of none") {
  Generator generator(3);
  Tape<double> tape(generator);
  const Tensor<double, 2> x = random_tensor<2>({30, 5}, 1);
  const Tensor<double, 2> y = drop_path(Var<double, 2>(x, &tape), 0.2).value();
  for (Index b = 0; b < 30; ++b) {
    const double factor = y(b, 0) == 0 ? 0.0 : 1.25;
    for (Index c = 0; c < 5; ++c) CHECK(y(b, c) == x(b, c) * factor);
  }
  CHECK(drop_path(Var<double, 2>(Tensor<double, 2>({0, 5}), &tape), 0.2).shape() == Shape<2>{0, 5});
  CHECK(drop_path(Var<double, 2>(Tensor<double, 2>({4, 0}), &tape), 0.2).shape() == Shape<2>{4, 0});
}

TEST_CASE("without a tape or at rate 0, drop_path is the value itself and draws nothing") {
  Generator generator(1);
  Tape<double> tape(generator);
  const Var<double, 2> free = Tensor<double, 2>({3, 2}, 1.0);
  CHECK(&drop_path(free, 0.9).value() == &free.value());
  const Var<double, 2> x = tape.variable(Tensor<double, 2>({3, 2}, 1.0));
  CHECK(&drop_path(x, 0).value() == &x.value());
  CHECK(generator == Generator(1));
}

TEST_CASE("drop_path refuses bad rates and a tape without generator, and draws nothing") {
  Generator generator(1);
  Tape<double> tape(generator);
  const Var<double, 2> x = tape.variable(Tensor<double, 2>({3, 2}, 1.0));
  for (const auto& [rate, text] :
       {std::pair(1.0, "1"), std::pair(-0.1, "-0.1"), std::pair(2.5, "2.5"),
        std::pair(std::numeric_limits<double>::quiet_NaN(), "nan")}) {
    CHECK(error_of([&, bad = rate] { drop_path(x, bad); }) ==
          concat("drop_path: rate = ", text, " is outside [0, 1)"));
  }
  CHECK(generator == Generator(1));
  CHECK(tape.entries() == 1);
  expect_refused(
      "drop_path: rate = 0.1 needs random numbers, but the tape was made without a generator",
      [](const Var<double, 2>& in) { return drop_path(in, 0.1); }, Tensor<double, 2>({3, 2}, 1.0));
}

}  // namespace tessera::test
