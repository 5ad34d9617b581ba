#include "tessera/nn/layer_norm.hpp"

#include "support/catch.hpp"
#include "support/close.hpp"
#include "support/gradients.hpp"
#include "support/models/random_model.hpp"
#include "support/near.hpp"
#include "support/throws.hpp"

namespace tessera::test {
namespace {

TEST_CASE("LayerNorm: starts as plain normalization") {
  const LayerNorm<double> norm(4, 1e-6);
  CHECK(norm.weight.value == Tensor<double, 1>({4}, 1.0));
  CHECK(norm.bias.value == Tensor<double, 1>({4}));
  const auto x = random_tensor<2>({3, 4}, 1);
  const auto y = norm(Var(x)).value();
  for (Index r = 0; r < 3; ++r) {
    const ConstArrayMap<double> in(x.row(r), 4);
    const ConstArrayMap<double> out(y.row(r), 4);
    const double variance = (in - in.mean()).square().mean();  // biased
    CHECK(out.mean() == near(0, 1e-12));
    CHECK(out.square().mean() == near_relative(variance / (variance + 1e-6), 1e-12));
  }
}

TEST_CASE("LayerNorm: weight and bias act on the normalized values") {
  LayerNorm<double> norm(3, 1e-6);
  const Var<double, 2> x(random_tensor<2>({2, 3}, 2));
  Tensor<double, 2> expected = norm(x).value();
  randomize(norm, 3);
  for (Index i = 0; i < expected.size(); ++i) {
    double& value = expected.data()[i];
    value = value * norm.weight.value(i % 3) + norm.bias.value(i % 3);
  }
  check_close(norm(x).value(), expected);
}

TEST_CASE("LayerNorm: gradients") {
  WithInput model(LayerNorm<double>(5, 1e-6), random_tensor<3>({2, 3, 5}, 4));
  CHECK(gradient_error("LayerNorm", model, [&](Tape<double>* tape) {
          return random_sum(model.module(model.input.on(tape)));
        }) == "");
}

TEST_CASE("LayerNorm: what makes no norm is refused") {
  CHECK(error_of([] { LayerNorm<float>(0, 1e-6); }) == "LayerNorm: dim = 0 must be positive");
  CHECK(error_of([] { LayerNorm<float>(2, std::nan("")); }) ==
        "LayerNorm: eps = nan must be finite and not negative");
  CHECK(error_of([] { LayerNorm<float>(2, -1e-6); }) ==
        "LayerNorm: eps = -1e-06 must be finite and not negative");
}

}  // namespace
}  // namespace tessera::test
