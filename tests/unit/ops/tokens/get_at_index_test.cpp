#include "tessera/ops/tokens/get_at_index.hpp"

#include "support/ops.hpp"

namespace tessera::test {

TEMPLATE_TEST_CASE("get_at_index takes tokens, and gradients of duplicates accumulate", "", float,
                   double) {
  Tape<TestType> tape;
  const Var<TestType, 3> tokens = tape.variable(Tensor<TestType, 3>({1, 3, 1}, {10, 20, 30}));
  const Var<TestType, 3> taken = get_at_index(tokens, TokenIndex({1, 3}, {1, 1, 2}));
  CHECK(taken.value() == Tensor<TestType, 3>({1, 3, 1}, {20, 20, 30}));
  tape.backward(weighted_sum(taken, Tensor<TestType, 3>({1, 3, 1}, TestType(1))));
  CHECK(*tape.gradient(tokens) == Tensor<TestType, 3>({1, 3, 1}, {0, 2, 1}));
}

TEST_CASE("gradient of get_at_index") {
  const auto at = [](const TokenIndex& index) {
    return [index](const auto& tokens) { return get_at_index(tokens, index); };
  };
  const Tensor<double, 3> tokens = random_tensor<3>({2, 4, 3}, 1);
  expect_gradient(at(TokenIndex({2, 3}, {3, 0, 3, 1, 2, 1})), tokens);
  expect_gradient(at(TokenIndex({2, 4}, {0, 1, 2, 3, 3, 2, 1, 0})), tokens);  // all kept
  expect_gradient(at(TokenIndex({2, 0})), tokens);                            // none kept
  expect_gradient(at(TokenIndex({0, 2})), Tensor<double, 3>({0, 4, 3}));
  expect_gradient(at(TokenIndex({1, 1}, {0})), random_tensor<3>({1, 1, 1}, 1));
}

TEST_CASE("scattered gradients have the same bits on any number of threads", "[threads]") {
  Generator generator(5);
  TokenIndex index({2, 600});
  for (Index& i : index) i = generator.randint(0, 200);
  const auto f = [&](const auto& tokens) { return get_at_index(tokens, index); };
  expect_same_bits<float>(f, random_tensor<3>({2, 200, 150}, 1));
  expect_same_bits<double>(f, random_tensor<3>({2, 200, 150}, 1));
}

TEST_CASE("get_at_index refuses an index that does not fit") {
  const Tensor<double, 3> tokens = random_tensor<3>({2, 4, 3}, 1);
  const auto at = [](const TokenIndex& index) {
    return [index](const Var<double, 3>& x) { return get_at_index(x, index); };
  };
  expect_refused("get_at_index: index(1, 0) = 4 is outside [0, 4)", at(TokenIndex({2, 1}, {0, 4})),
                 tokens);
  expect_refused("get_at_index: index(0, 1) = -1 is outside [0, 4)",
                 at(TokenIndex({2, 2}, {0, -1, 0, 0})), tokens);
  expect_refused("get_at_index: index [1, 2] must have 2 rows, one per image",
                 at(TokenIndex({1, 2})), tokens);
}

}  // namespace tessera::test
