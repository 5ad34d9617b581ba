#include "support/weighted_sum.hpp"

#include "support/ops.hpp"

namespace tessera::test {

TEMPLATE_TEST_CASE("weighted_sum multiplies and sums, and its gradient is the weights", "", float,
                   double) {
  const Tensor<TestType, 2> weights({2, 2}, {1, -2, 3, 4});
  Tape<TestType> tape;
  const Var<TestType, 2> x = tape.variable(Tensor<TestType, 2>({2, 2}, {5, 6, 7, 8}));
  const Var<TestType, 0> sum = weighted_sum(x, weights);
  CHECK(sum.value().item() == 46);
  tape.backward(sum);
  CHECK(*tape.gradient(x) == weights);
}

TEST_CASE("gradient of weighted_sum") {
  expect_gradient(
      [](const auto& x) {
        using Scalar = typename std::remove_cvref_t<decltype(x)>::scalar_type;
        return weighted_sum(x, random_tensor<3, Scalar>({2, 3, 4}, 2));
      },
      random_tensor<3>({2, 3, 4}, 1));
}

TEST_CASE("weighted_sum of nothing is zero") {
  Tape<double> tape;
  const Var<double, 1> x = tape.variable(Tensor<double, 1>());
  const Var<double, 0> sum = weighted_sum(x, Tensor<double, 1>());
  CHECK(sum.value().item() == 0);
  tape.backward(sum);
  CHECK(tape.gradient(x)->shape() == Shape<1>{0});
}

TEST_CASE("weighted_sum refuses different shapes") {
  expect_refused(
      "weighted_sum: x [2, 3] and weights [3, 2] must have the same shape",
      [](const Var<double, 2>& x) { return weighted_sum(x, Tensor<double, 2>({3, 2})); },
      random_tensor<2>({2, 3}, 1));
}

}  // namespace tessera::test
