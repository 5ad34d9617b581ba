#include "tessera/nn/parameter.hpp"

#include "support/catch.hpp"

namespace tessera::test {
namespace {

TEST_CASE("parameter: is borrowed, not copied") {
  const Parameter<double, 2> parameter{Tensor<double, 2>({1, 2}, {3, 4})};
  Tape<double> tape;
  CHECK(&parameter.on(nullptr).value() == &parameter.value);
  CHECK(&parameter.on(&tape).value() == &parameter.value);
}

TEST_CASE("parameter: without a tape it wants no gradient") {
  const Parameter<double, 1> parameter{Tensor<double, 1>({2})};
  CHECK(parameter.on(nullptr).tape() == nullptr);
  CHECK_FALSE(parameter.on(nullptr).requires_grad());
}

TEST_CASE("parameter: used twice it is one entry of the tape") {
  const Parameter<double, 1> parameter{Tensor<double, 1>({2})};
  Tape<double> tape;
  const auto first = parameter.on(&tape);
  const auto second = parameter.on(&tape);
  CHECK(first.requires_grad());
  CHECK(first.node() == second.node());
  CHECK(tape.entries() == 1);
  CHECK(tape.parameter_count() == 1);
  CHECK(tape.has_parameter(&parameter.value));
}

TEST_CASE("parameter: frozen it carries the tape on but is not recorded") {
  Parameter<double, 1> parameter{Tensor<double, 1>({2})};
  parameter.trainable = false;
  Tape<double> tape;
  const auto frozen = parameter.on(&tape);
  CHECK(frozen.tape() == &tape);
  CHECK_FALSE(frozen.requires_grad());
  CHECK(tape.entries() == 0);
  CHECK_FALSE(tape.has_parameter(&parameter.value));
}

}  // namespace
}  // namespace tessera::test
