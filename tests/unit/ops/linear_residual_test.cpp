#include "tessera/ops/linear.hpp"

#include "support/ops.hpp"

namespace tessera::test {

namespace {

const auto fused = [](const auto& x, const auto& weight, const auto& bias, const auto& residual) {
  return linear_residual(x, weight, bias, residual);
};

}  // namespace

TEST_CASE("linear_residual is residual + linear") {
  const auto composed = [](const auto& x, const auto& weight, const auto& bias,
                           const auto& residual) { return add(residual, linear(x, weight, bias)); };
  for (const auto& [rows, outputs] : {std::pair<Index, Index>{5, 7}, {1, 1}, {0, 3}, {260, 390}}) {
    INFO(rows << " " << outputs);
    expect_twins(fused, composed, random_tensor<2>({rows, 6}, 1), random_tensor<2>({outputs, 6}, 2),
                 random_tensor<1>({outputs}, 3), random_tensor<2>({rows, outputs}, 4));
  }
  expect_twins(
      [](const auto& x, const auto& weight, const auto& residual) {
        return linear_residual(x, weight, std::nullopt, residual);
      },
      [](const auto& x, const auto& weight, const auto& residual) {
        return add(residual, linear(x, weight));
      },
      random_tensor<3>({2, 3, 6}, 1), random_tensor<2>({4, 6}, 2), random_tensor<3>({2, 3, 4}, 3));
}

TEST_CASE("gradient of linear_residual") {
  for (const Index inputs : {0, 4}) {
    expect_gradient(fused, random_tensor<3>({2, 3, inputs}, 1), random_tensor<2>({5, inputs}, 2),
                    random_tensor<1>({5}, 3), random_tensor<3>({2, 3, 5}, 4));
  }
}

TEST_CASE("the residual may be the input itself") {
  expect_gradient(
      [](const auto& x, const auto& weight) { return linear_residual(x, weight, std::nullopt, x); },
      random_tensor<2>({3, 4}, 1), random_tensor<2>({4, 4}, 2));
}

TEST_CASE("linear_residual has the same bits on any number of threads", "[threads]") {
  expect_same_bits<float>(fused, random_tensor<2>({600, 20}, 1), random_tensor<2>({400, 20}, 2),
                          random_tensor<1>({400}, 3), random_tensor<2>({600, 400}, 4));
}

TEST_CASE("linear_residual refuses what does not fit") {
  const Tensor<double, 2> x = random_tensor<2>({2, 4}, 1);
  const Tensor<double, 2> weight = random_tensor<2>({5, 4}, 2);
  const Tensor<double, 1> bias = random_tensor<1>({5}, 3);
  const Tensor<double, 2> residual = random_tensor<2>({2, 5}, 4);
  expect_refused("linear_residual: x [2, 4] must end in the 3 inputs of weight [5, 3]", fused, x,
                 random_tensor<2>({5, 3}, 2), bias, residual);
  expect_refused("linear_residual: bias [6] must have the 5 outputs of weight [5, 4]", fused, x,
                 weight, random_tensor<1>({6}, 3), residual);
  expect_refused("linear_residual: residual [2, 4] must have the shape of the result [2, 5]", fused,
                 x, weight, bias, x);
  expect_refuses_two_tapes("linear_residual", fused, x, weight, bias, residual);
}

}  // namespace tessera::test
