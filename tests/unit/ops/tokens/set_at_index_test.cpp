#include "tessera/ops/tokens/set_at_index.hpp"

#include "support/ops.hpp"
#include "tessera/ops/tokens/get_at_index.hpp"

namespace tessera::test {

namespace {

const auto at = [](const TokenIndex& index) {
  return
      [index](const auto& tokens, const auto& value) { return set_at_index(tokens, index, value); };
};

}  // namespace

TEMPLATE_TEST_CASE("set_at_index puts rows into a copy", "", float, double) {
  const Var<TestType, 3> tokens = Tensor<TestType, 3>({2, 3, 1}, {1, 2, 3, 4, 5, 6});
  const Var<TestType, 3> value = Tensor<TestType, 3>({2, 2, 1}, {10, 20, 30, 40});
  CHECK(set_at_index(tokens, TokenIndex({2, 2}, {2, 0, 0, 1}), value).value() ==
        Tensor<TestType, 3>({2, 3, 1}, {20, 2, 10, 30, 40, 6}));
  CHECK(tokens.value()(0, 0, 0) == 1);
}

TEST_CASE("what set_at_index puts in, get_at_index takes out") {
  const TokenIndex index({2, 3}, {3, 0, 2, 1, 3, 0});
  const Var<double, 3> value = random_tensor<3>({2, 3, 5}, 2);
  const Var<double, 3> set =
      set_at_index(Var<double, 3>(random_tensor<3>({2, 4, 5}, 1)), index, value);
  CHECK(get_at_index(set, index).value() == value.value());
}

TEST_CASE("gradient of set_at_index") {
  expect_gradient(at(TokenIndex({2, 2}, {3, 0, 1, 2})), random_tensor<3>({2, 4, 3}, 1),
                  random_tensor<3>({2, 2, 3}, 2));
  expect_gradient(at(TokenIndex({1, 3}, {2, 0, 1})), random_tensor<3>({1, 3, 2}, 1),
                  random_tensor<3>({1, 3, 2}, 2));  // every token
  expect_gradient(at(TokenIndex({2, 0})), random_tensor<3>({2, 4, 3}, 1),
                  Tensor<double, 3>({2, 0, 3}));
  expect_gradient(at(TokenIndex({0, 2})), Tensor<double, 3>({0, 4, 3}),
                  Tensor<double, 3>({0, 2, 3}));
}

TEST_CASE("set_at_index refuses duplicates and what does not fit") {
  const Tensor<double, 3> tokens = random_tensor<3>({2, 4, 3}, 1);
  const Tensor<double, 3> value = random_tensor<3>({2, 2, 3}, 2);
  const TokenIndex index({2, 2}, {3, 0, 1, 2});
  expect_refused("set_at_index: index(1, 1) = 2 appears twice in its row",
                 at(TokenIndex({2, 2}, {2, 0, 2, 2})), tokens, value);
  expect_refused("set_at_index: index(0, 1) = 4 is outside [0, 4)",
                 at(TokenIndex({2, 2}, {3, 4, 1, 2})), tokens, value);
  expect_refused("set_at_index: index [3, 2] must have 2 rows, one per image",
                 at(TokenIndex({3, 2})), tokens, value);
  expect_refused(
      "set_at_index: value [2, 3, 3] must be [2, 2, 3] to fill index [2, 2] of tokens [2, 4, 3]",
      at(index), tokens, random_tensor<3>({2, 3, 3}, 2));
  expect_refused(
      "set_at_index: value [2, 2, 4] must be [2, 2, 3] to fill index [2, 2] of tokens [2, 4, 3]",
      at(index), tokens, random_tensor<3>({2, 2, 4}, 2));
  expect_refuses_two_tapes("set_at_index", at(index), tokens, value);
}

}  // namespace tessera::test
