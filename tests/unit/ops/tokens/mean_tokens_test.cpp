#include "tessera/ops/tokens/mean_tokens.hpp"

#include "support/ops.hpp"

namespace tessera::test {

TEMPLATE_TEST_CASE("mean_tokens averages from a position on", "", float, double) {
  const Var<TestType, 3> tokens =
      Tensor<TestType, 3>({2, 3, 2}, {9, 9, 1, 2, 3, 6, 9, 9, 10, 20, 30, 60});
  CHECK(mean_tokens(tokens, 1).value() == Tensor<TestType, 2>({2, 2}, {2, 4, 20, 40}));
  CHECK(mean_tokens(tokens, 2).value() == Tensor<TestType, 2>({2, 2}, {3, 6, 30, 60}));
}

TEST_CASE("gradient of mean_tokens") {
  const auto from = [](Index first) {
    return [first](const auto& tokens) { return mean_tokens(tokens, first); };
  };
  for (const Index first : {0, 2, 4}) {
    expect_gradient(from(first), random_tensor<3>({2, 5, 3}, 1));
  }
  expect_gradient(from(0), Tensor<double, 3>({0, 5, 3}));
  expect_gradient(from(0), random_tensor<3>({1, 1, 1}, 1));
}

TEST_CASE("mean_tokens has the same bits on any number of threads", "[threads]") {
  expect_same_bits<float>([](const auto& tokens) { return mean_tokens(tokens, 1); },
                          random_tensor<3>({5, 50, 7}, 1));
}

TEST_CASE("mean_tokens refuses to average nothing") {
  const auto from = [](Index first) {
    return [first](const Var<double, 3>& tokens) { return mean_tokens(tokens, first); };
  };
  expect_refused("mean_tokens: tokens [2, 5, 3] has none from position 5 on", from(5),
                 random_tensor<3>({2, 5, 3}, 1));
  expect_refused("mean_tokens: tokens [2, 5, 3] has none from position -1 on", from(-1),
                 random_tensor<3>({2, 5, 3}, 1));
  expect_refused("mean_tokens: tokens [2, 0, 3] has none from position 0 on", from(0),
                 Tensor<double, 3>({2, 0, 3}));
}

TEST_CASE("mean_tokens of many tokens keeps the bound of a pairwise sum") {
  const Index length = 50000;
  const Tensor<float, 3> tokens({1, length, 3}, 0.1F);
  const float mean = mean_tokens(Var<float, 3>(tokens), 0).value()(0, 2);
  // 32 rows in order, log2(50000 / 32) levels, and the factor: 45 roundings.
  CHECK(std::abs(static_cast<double>(mean) / static_cast<double>(0.1F) - 1) <= 45 * 0x1p-24);
}

}  // namespace tessera::test
