#include "tessera/nn/mlp.hpp"

#include "support/catch.hpp"
#include "support/close.hpp"
#include "support/gradients.hpp"
#include "support/models/random_model.hpp"
#include "support/throws.hpp"
#include "tessera/ops/gelu.hpp"

namespace tessera::test {
namespace {

TEST_CASE("Mlp: two layers with GELU between them") {
  Mlp<double> mlp(4, 6);
  randomize(mlp, 1);
  const Var<double, 3> x(random_tensor<3>({2, 3, 4}, 2));
  const Var<double, 3> residual(random_tensor<3>({2, 3, 4}, 3));
  const auto expected = mlp.fc2(gelu(mlp.fc1(x)));
  CHECK(mlp.fc1.weight.value.shape() == Shape<2>{6, 4});
  check_close(mlp(x).value(), expected.value());
  check_close(mlp.plus(x, residual).value(), add(residual, expected).value());
}

TEST_CASE("Mlp: dropout follows each layer, in training alone") {
  Mlp<double> mlp(4, 6, 0.5);
  randomize(mlp, 1);
  const auto x = random_tensor<3>({2, 3, 4}, 2);
  const auto residual = random_tensor<3>({2, 3, 4}, 3);
  check_close(mlp(Var(x)).value(), mlp.fc2(gelu(mlp.fc1(Var(x)))).value());

  Generator generator(5);
  Tape<double> tape(generator);
  const auto found = mlp.plus(Var<double, 3>(x, &tape), Var<double, 3>(residual, &tape));
  Generator same(5);
  Tape<double> other(same);
  const auto hidden = dropout(gelu(mlp.fc1(Var<double, 3>(x, &other))), 0.5);
  const auto expected = add(Var<double, 3>(residual), dropout(mlp.fc2(hidden), 0.5));
  check_close(found.value(), expected.value());
  CHECK(generator == same);
}

TEST_CASE("Mlp: gradients") {
  for (const double drop : {0.0, 0.4}) {
    WithInput model(Mlp<double>(4, 6, drop), random_tensor<3>({2, 3, 4}, 4));
    CHECK(gradient_error(drop == 0 ? "Mlp" : "Mlp, dropout", model,
                         [&](Tape<double>* tape) {
                           const auto x = model.input.on(tape);
                           return random_sum(model.module.plus(x, x));
                         },
                         {.seed = 6}) == "");
  }
}

TEST_CASE("Mlp: with SwiGLU the first layer holds gate and value") {
  Mlp<double> mlp(4, 6, 0, Activation::swiglu);
  randomize(mlp, 1);
  CHECK(mlp.fc1.weight.value.shape() == Shape<2>{12, 4});
  CHECK(mlp.fc2.weight.value.shape() == Shape<2>{4, 6});
  const Var<double, 3> x(random_tensor<3>({2, 3, 4}, 2));
  const Var<double, 3> residual(random_tensor<3>({2, 3, 4}, 3));
  const auto expected = mlp.fc2(swiglu(mlp.fc1(x)));
  check_close(mlp(x).value(), expected.value());
  check_close(mlp.plus(x, residual).value(), add(residual, expected).value());

  WithInput model(Mlp<double>(4, 6, 0, Activation::swiglu), random_tensor<3>({2, 3, 4}, 4));
  CHECK(gradient_error("Mlp, SwiGLU", model,
                       [&](Tape<double>* tape) {
                         const auto input = model.input.on(tape);
                         return random_sum(model.module.plus(input, input));
                       },
                       {.seed = 6}) == "");
}

TEST_CASE("Mlp: with gelu_tanh the tanh form stands between the layers") {
  Mlp<double> mlp(4, 6, 0, Activation::gelu_tanh);
  randomize(mlp, 1);
  CHECK(mlp.fc1.weight.value.shape() == Shape<2>{6, 4});
  const Var<double, 3> x(random_tensor<3>({2, 3, 4}, 2));
  const Var<double, 3> residual(random_tensor<3>({2, 3, 4}, 3));
  const auto expected = mlp.fc2(gelu(mlp.fc1(x), GeluApproximation::tanh));
  check_close(mlp(x).value(), expected.value());
  check_close(mlp.plus(x, residual).value(), add(residual, expected).value());
  CHECK_FALSE(mlp(x).value() == mlp.fc2(gelu(mlp.fc1(x))).value());

  WithInput model(Mlp<double>(4, 6, 0, Activation::gelu_tanh), random_tensor<3>({2, 3, 4}, 4));
  CHECK(gradient_error("Mlp, GELU by tanh", model,
                       [&](Tape<double>* tape) {
                         const auto input = model.input.on(tape);
                         return random_sum(model.module.plus(input, input));
                       },
                       {.seed = 6}) == "");
}

TEST_CASE("Mlp: packed, wholly or in part, it computes the same and drops nothing") {
  for (const Activation activation :
       {Activation::gelu, Activation::gelu_tanh, Activation::swiglu}) {
    Mlp<float> mlp(24, 70, 0.5, activation);
    randomize(mlp, 1);
    const Var<float, 3> x(random_tensor<3, float>({2, 300, 24}, 2));
    const Var<float, 3> residual(random_tensor<3, float>({2, 300, 24}, 3));
    Mlp<float> half = mlp;
    half.fc1.pack();
    Mlp<float> whole = half;
    whole.fc2.pack();
    for (const Mlp<float>* packed : {&half, &whole}) {
      CHECK((*packed)(x).value() == mlp(x).value());
      CHECK(packed->plus(x, residual).value() == mlp.plus(x, residual).value());
    }
  }
  CHECK(error_of([] { (void)Linear<float>(2, 3).packed_layer(); }) ==
        "Linear::packed_layer: the weight is not packed");
}

TEST_CASE("Mlp: what makes no network is refused") {
  CHECK(error_of([] { Mlp<float>(4, 0); }) == "Linear: in = 4 and out = 0 must be positive");
  CHECK(error_of([] { Mlp<float>(4, 2, 1.0); }) == "Mlp: drop_rate = 1 is outside [0, 1)");
  CHECK(error_of([] { Mlp<float>(4, 2, std::nan("")); }) ==
        "Mlp: drop_rate = nan is outside [0, 1)");
}

TEST_CASE("Mlp: a tape without a generator cannot drop") {
  const Mlp<float> mlp(4, 2, 0.5);
  Tape<float> tape;
  CHECK(error_of([&] { mlp(Var<float, 2>(Tensor<float, 2>({1, 4}), &tape)); }) ==
        "dropout: rate = 0.5 needs random numbers, but the tape was made without a generator");
}

}  // namespace
}  // namespace tessera::test
