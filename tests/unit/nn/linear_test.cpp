#include "tessera/nn/linear.hpp"

#include "support/catch.hpp"
#include "support/close.hpp"
#include "support/gradients.hpp"
#include "support/models/random_model.hpp"
#include "support/throws.hpp"
#include "tessera/ops/add.hpp"
#include "tessera/ops/gelu.hpp"

namespace tessera::test {
namespace {

TEST_CASE("linear: starts as zeros of the shape of torch's") {
  const Linear<float> layer(3, 2);
  CHECK(layer.weight.value == Tensor<float, 2>({2, 3}));
  REQUIRE(layer.bias.has_value());
  CHECK(layer.bias->value == Tensor<float, 1>({2}));
  CHECK_FALSE(Linear<float>(3, 2, false).bias.has_value());
}

TEST_CASE("linear: x times the transposed weight plus bias") {
  Linear<double> layer(2, 3);
  layer.weight.value = Tensor<double, 2>({3, 2}, {1, 2, 3, 4, 5, 6});
  layer.bias->value = Tensor<double, 1>({3}, {10, 20, 30});
  const Tensor<double, 2> x({2, 2}, {1, -1, 2, 0});
  CHECK(layer(Var(x)).value() == Tensor<double, 2>({2, 3}, {9, 19, 29, 12, 26, 40}));
  layer.bias.reset();
  CHECK(layer(Var(x)).value() == Tensor<double, 2>({2, 3}, {-1, -1, -1, 2, 6, 10}));
}

TEST_CASE("linear: then_gelu and plus are the layer and what follows it") {
  Linear<double> layer(4, 3);
  randomize(layer, 1);
  const Var<double, 3> x(random_tensor<3>({2, 5, 4}, 2));
  const Var<double, 3> residual(random_tensor<3>({2, 5, 3}, 3));
  check_close(layer.then_gelu(x).value(), gelu(layer(x)).value());
  check_close(layer.plus(x, residual).value(), add(residual, layer(x)).value());
}

TEST_CASE("linear: gradients") {
  for (const bool bias : {true, false}) {
    WithInput model(Linear<double>(4, 3, bias), random_tensor<3>({2, 5, 4}, 4));
    const auto residual = random_tensor<3>({2, 5, 3}, 5);
    CHECK(gradient_error("Linear", model, [&](Tape<double>* tape) {
            const auto x = model.input.on(tape);
            const Var<double, 3> skip(residual, tape);
            return random_sum(model.module.plus(x, add(model.module(x), skip)));
          }) == "");
    CHECK(gradient_error("Linear, then_gelu", model, [&](Tape<double>* tape) {
            return random_sum(model.module.then_gelu(model.input.on(tape)));
          }) == "");
  }
}

TEST_CASE("linear: sizes must be positive") {
  CHECK(error_of([] { Linear<float>(0, 2); }) == "Linear: in = 0 and out = 2 must be positive");
  CHECK(error_of([] { Linear<float>(3, -2); }) == "Linear: in = 3 and out = -2 must be positive");
}

TEST_CASE("linear: input of another width is refused") {
  const Linear<float> layer(3, 2);
  CHECK(error_of([&] { layer(Var(Tensor<float, 2>({5, 4}))); }) ==
        "linear: x [5, 4] must end in the 3 inputs of weight [2, 3]");
}

}  // namespace
}  // namespace tessera::test
