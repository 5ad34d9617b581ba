#include "tessera/ops/dropout.hpp"

#include <limits>

#include "support/ops.hpp"

namespace tessera::test {

TEMPLATE_TEST_CASE("dropout zeroes elements and scales the rest, in backward the same ones", "",
                   float, double) {
  Generator generator(1);
  Tape<TestType> tape(generator);
  const Var<TestType, 2> x = tape.variable(Tensor<TestType, 2>({100, 50}, TestType(3)));
  const Var<TestType, 2> y = dropout(x, 0.25);
  tape.backward(weighted_sum(y, Tensor<TestType, 2>({100, 50}, TestType(3))));
  CHECK(*tape.gradient(x) == y.value());
  const Index kept = std::count(y.value().begin(), y.value().end(), TestType(4));
  const Index dropped = std::count(y.value().begin(), y.value().end(), TestType(0));
  CHECK(kept + dropped == 5000);
  CHECK(std::abs(static_cast<double>(dropped) - 1250) <= 150);  // five deviations
}

TEST_CASE("dropout drops single elements, not whole rows") {
  Generator generator(2);
  Tape<double> tape(generator);
  const Var<double, 2> x(Tensor<double, 2>({20, 30}, 1.0), &tape);  // a constant is dropped too
  const Tensor<double, 2> y = dropout(x, 0.5).value();
  Index mixed = 0;
  for (Index r = 0; r < 20; ++r) {
    const Index kept = std::count(y.row(r), y.row(r) + 30, 2.0);
    mixed += kept > 0 && kept < 30;
  }
  CHECK(mixed == 20);
  CHECK(tape.entries() == 0);
}

TEST_CASE("the same generator state drops the same") {
  Generator one(7);
  Generator two(7);
  Tape<double> first(one);
  Tape<double> second(two);
  const Tensor<double, 1> x({200}, 1.0);
  const Tensor<double, 1> dropped = dropout(Var<double, 1>(x, &first), 0.5).value();
  CHECK(dropped == dropout(Var<double, 1>(x, &second), 0.5).value());
  CHECK_FALSE(dropped == dropout(Var<double, 1>(x, &second), 0.5).value());
}

TEST_CASE("without a tape or at rate 0, dropout is the value itself and draws nothing") {
  Generator generator(1);
  Tape<double> tape(generator);
  const Var<double, 1> free = Tensor<double, 1>({3}, 1.0);
  CHECK(&dropout(free, 0.5).value() == &free.value());
  const Var<double, 1> x = tape.variable(Tensor<double, 1>({3}, 1.0));
  CHECK(&dropout(x, 0).value() == &x.value());
  CHECK(generator == Generator(1));
  Tape<double> without;
  CHECK_NOTHROW(dropout(without.variable(Tensor<double, 1>({3})), 0));
  CHECK(dropout(tape.variable(Tensor<double, 1>()), 0.5).shape() == Shape<1>{0});
}

TEST_CASE("dropout refuses bad rates and a tape without generator, and draws nothing") {
  Generator generator(1);
  Tape<double> tape(generator);
  const Var<double, 1> x = tape.variable(Tensor<double, 1>({3}, 1.0));
  const Var<double, 1> free = Tensor<double, 1>({3}, 1.0);
  for (const auto& [rate, text] :
       {std::pair(1.0, "1"), std::pair(-0.1, "-0.1"), std::pair(2.5, "2.5"),
        std::pair(std::numeric_limits<double>::quiet_NaN(), "nan")}) {
    const std::string expected = concat("dropout: rate = ", text, " is outside [0, 1)");
    CHECK(error_of([&, bad = rate] { dropout(x, bad); }) == expected);
    CHECK(error_of([&, bad = rate] { dropout(free, bad); }) == expected);
  }
  CHECK(generator == Generator(1));
  CHECK(tape.entries() == 1);
  expect_refused(
      "dropout: rate = 0.5 needs random numbers, but the tape was made without a generator",
      [](const Var<double, 1>& in) { return dropout(in, 0.5); }, Tensor<double, 1>({3}, 1.0));
}

}  // namespace tessera::test
