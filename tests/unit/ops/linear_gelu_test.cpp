#include "tessera/ops/linear.hpp"

#include "support/ops.hpp"
#include "tessera/ops/gelu.hpp"

namespace tessera::test {

namespace {

const auto fused = [](const auto& x, const auto& weight, const auto& bias) {
  return linear_gelu(x, weight, bias);
};
const auto composed = [](const auto& x, const auto& weight, const auto& bias) {
  return gelu(linear(x, weight, bias));
};

}  // namespace

TEST_CASE("linear_gelu is gelu of linear") {
  for (const auto& [rows, outputs] : {std::pair<Index, Index>{5, 7}, {1, 1}, {0, 3}, {260, 390}}) {
    INFO(rows << " " << outputs);
    expect_twins(fused, composed, random_tensor<2>({rows, 6}, 1), random_tensor<2>({outputs, 6}, 2),
                 random_tensor<1>({outputs}, 3));
  }
  expect_twins([](const auto& x, const auto& weight) { return linear_gelu(x, weight); },
               [](const auto& x, const auto& weight) { return gelu(linear(x, weight)); },
               random_tensor<3>({2, 3, 6}, 1), random_tensor<2>({4, 6}, 2));
}

TEST_CASE("gradient of linear_gelu") {
  for (const Index inputs : {0, 1, 4}) {
    expect_gradient(fused, random_tensor<3>({2, 3, inputs}, 1), random_tensor<2>({5, inputs}, 2),
                    random_tensor<1>({5}, 3));
  }
}

TEST_CASE("linear_gelu has the same bits on any number of threads", "[threads]") {
  expect_same_bits<float>(fused, random_tensor<2>({600, 20}, 1), random_tensor<2>({400, 20}, 2),
                          random_tensor<1>({400}, 3));
}

TEST_CASE("linear_gelu refuses what does not fit") {
  const Tensor<double, 2> x = random_tensor<2>({2, 4}, 1);
  const Tensor<double, 2> weight = random_tensor<2>({5, 4}, 2);
  const Tensor<double, 1> bias = random_tensor<1>({5}, 3);
  expect_refused("linear_gelu: x [2, 4] must end in the 3 inputs of weight [5, 3]", fused, x,
                 random_tensor<2>({5, 3}, 2), bias);
  expect_refused("linear_gelu: bias [6] must have the 5 outputs of weight [5, 4]", fused, x, weight,
                 random_tensor<1>({6}, 3));
  expect_refuses_two_tapes("linear_gelu", fused, x, weight, bias);
}

}  // namespace tessera::test
