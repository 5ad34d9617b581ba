#include "tessera/ops/tokens/slice_tokens.hpp"

#include "support/ops.hpp"

namespace tessera::test {

TEMPLATE_TEST_CASE("select_token takes one token of every image", "", float, double) {
  const Var<TestType, 3> tokens = Tensor<TestType, 3>({2, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8});
  CHECK(select_token(tokens, 0).value() == Tensor<TestType, 2>({2, 2}, {1, 2, 5, 6}));
  CHECK(select_token(tokens, 1).value() == Tensor<TestType, 2>({2, 2}, {3, 4, 7, 8}));
}

TEST_CASE("gradient of select_token") {
  const auto f = [](const auto& tokens) { return select_token(tokens, 1); };
  expect_gradient(f, random_tensor<3>({3, 4, 2}, 1));
  expect_gradient(f, Tensor<double, 3>({0, 2, 2}));
}

TEST_CASE("select_token refuses a token that does not exist") {
  const auto at = [](Index position) {
    return [position](const Var<double, 3>& tokens) { return select_token(tokens, position); };
  };
  expect_refused("select_token: position 4 is not in tokens [3, 4, 2]", at(4),
                 random_tensor<3>({3, 4, 2}, 1));
  expect_refused("select_token: position -1 is not in tokens [3, 4, 2]", at(-1),
                 random_tensor<3>({3, 4, 2}, 1));
}

}  // namespace tessera::test
