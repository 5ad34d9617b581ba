#include "tessera/testing/gradient_check.hpp"

#include <limits>

#include "support/catch.hpp"
#include "support/random_tensor.hpp"
#include "support/throws.hpp"
#include "support/weighted_sum.hpp"
#include "tessera/ops/dropout.hpp"
#include "tessera/ops/scale.hpp"

namespace tessera::testing {

namespace {

using test::weighted_sum;

struct Scaling {
  using scalar_type = double;

  Parameter<double, 1> factor{test::random_tensor<1>({30}, 1)};
  Parameter<double, 1> frozen{test::random_tensor<1>({30}, 2), false};
  Parameter<double, 1> unused{test::random_tensor<1>({5}, 3)};

  static void visit(auto& self, auto&& visitor) {
    visitor("factor", self.factor);
    visitor("frozen", self.frozen);
    visitor("unused", self.unused);
  }
};

const Tensor<double, 2> input = test::random_tensor<2>({4, 30}, 4);

Var<double, 2> forward(const Scaling& model, Tape<double>* tape) {
  return scale(scale(Var<double, 2>::borrowed(input, tape), model.factor.on(tape)),
               model.frozen.on(tape));
}

Var<double, 0> square_sum(const Var<double, 2>& y) {
  return weighted_sum(y, y.value());  // its backward forgets the weights: half of the gradient
}

}  // namespace

TEST_CASE("a right gradient passes, and the model is as before") {
  Scaling model;
  const Tensor<double, 1> before = model.factor.value;
  const Tensor<double, 2> weights = test::random_tensor<2>({4, 30}, 5);
  const auto loss = [&](Tape<double>* tape) { return weighted_sum(forward(model, tape), weights); };
  const GradientCheck check = check_gradients(model, loss, {.per_parameter = 30});
  INFO(check.worst_place);
  CHECK(check.worst_error <= 1e-7);
  CHECK(check.checked == 35);  // the frozen parameter takes no part, the unused one has gradient 0
  CHECK(model.factor.value == before);
}

TEST_CASE("a wrong gradient is found and named") {
  Scaling model;
  const auto loss = [&](Tape<double>* tape) { return square_sum(forward(model, tape)); };
  const GradientCheck check = check_gradients(model, loss);
  CHECK(std::abs(check.worst_error - 0.5) <= 1e-5);
  CHECK(check.worst_place.substr(0, 7) == "factor[");
  CHECK(check.worst_place.find("]: backward ") != std::string::npos);
}

TEST_CASE("a gradient that is not a number is not lost among good ones") {
  Scaling model;
  Tensor<double, 2> weights({4, 30}, 1.0);
  weights(0, 2) = std::numeric_limits<double>::quiet_NaN();
  const auto loss = [&](Tape<double>* tape) {
    return tape ? weighted_sum(forward(model, tape), weights)
                : weighted_sum(forward(model, tape), Tensor<double, 2>({4, 30}, 1.0));
  };
  const GradientCheck check = check_gradients(model, loss, {.per_parameter = 30});
  CHECK_FALSE(check.worst_error <= 1e100);
  CHECK(check.worst_place.substr(0, 9) == "factor[2]");
}

TEST_CASE("no more derivatives are compared than asked for") {
  Scaling model;
  const Tensor<double, 2> weights({4, 30}, 1.0);
  const auto loss = [&](Tape<double>* tape) { return weighted_sum(forward(model, tape), weights); };
  for (const Index most : {1, 2, 7, 16, 29}) {
    INFO(most);
    const Index checked = check_gradients(model, loss, {.per_parameter = most}).checked;
    CHECK(checked >= 2);
    CHECK(checked <= most + std::min<Index>(most, 5));
  }
}

TEST_CASE("a seed makes dropping repeatable, and without one it is refused") {
  Scaling model;
  const Tensor<double, 2> weights = test::random_tensor<2>({4, 30}, 5);
  const auto loss = [&](Tape<double>* tape) {
    return weighted_sum(dropout(forward(model, tape), 0.5), weights);
  };
  CHECK(check_gradients(model, loss, {.seed = 11}).worst_error <= 1e-7);
  CHECK(test::error_of([&] { check_gradients(model, loss); }) ==
        "dropout: rate = 0.5 needs random numbers, but the tape was made without a generator");
}

}  // namespace tessera::testing
