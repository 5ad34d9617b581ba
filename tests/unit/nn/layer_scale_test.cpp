#include "tessera/nn/layer_scale.hpp"

#include "support/catch.hpp"
#include "support/gradients.hpp"
#include "support/models/random_model.hpp"
#include "support/throws.hpp"

namespace tessera::test {
namespace {

TEST_CASE("LayerScale: every value of the last axis has its own factor") {
  LayerScale<double> scale(3, 0.5);
  CHECK(scale.gamma.value == Tensor<double, 1>({3}, 0.5));
  scale.gamma.value = Tensor<double, 1>({3}, {1, 0, -2});
  const Tensor<double, 2> x({2, 3}, {1, 2, 3, 4, 5, 6});
  CHECK(scale(Var(x)).value() == Tensor<double, 2>({2, 3}, {1, 0, -6, 4, 0, -12}));
}

TEST_CASE("LayerScale: gradients") {
  WithInput model(LayerScale<double>(4, 1e-5), random_tensor<3>({2, 3, 4}, 1));
  CHECK(gradient_error("LayerScale", model, [&](Tape<double>* tape) {
          return random_sum(model.module(model.input.on(tape)));
        }) == "");
}

TEST_CASE("LayerScale: what makes no scale is refused") {
  CHECK(error_of([] { LayerScale<float>(0, 0.1); }) == "LayerScale: dim = 0 must be positive");
  CHECK(error_of([] { LayerScale<float>(2, std::nan("")); }) ==
        "LayerScale: init_value = nan must be finite");
}

}  // namespace
}  // namespace tessera::test
