#include "tessera/ops/tokens/mask_tokens.hpp"

#include <limits>

#include "support/ops.hpp"

namespace tessera::test {

namespace {

const auto where = [](const TokenMask& mask) {
  return [mask](const auto& tokens, const auto& token) { return mask_bool(tokens, mask, token); };
};
const auto at = [](const TokenIndex& index) {
  return [index](const auto& tokens, const auto& token) {
    return mask_at_index(tokens, index, token);
  };
};

}  // namespace

TEMPLATE_TEST_CASE("masked tokens become the mask token, the others stay", "", float, double) {
  const Var<TestType, 3> tokens = Tensor<TestType, 3>({2, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8});
  const Var<TestType, 3> token = Tensor<TestType, 3>({1, 1, 2}, {-1, -2});
  const Tensor<TestType, 3> expected({2, 2, 2}, {-1, -2, 3, 4, 5, 6, -1, -2});
  CHECK(mask_bool(tokens, TokenMask({2, 2}, {true, false, false, true}), token).value() ==
        expected);
  CHECK(mask_at_index(tokens, TokenIndex({2, 1}, {0, 1}), token).value() == expected);
  CHECK(mask_at_index(tokens, TokenIndex({2, 2}, {0, 0, 1, 1}), token).value() == expected);
  CHECK(mask_bool(tokens, TokenMask({2, 2}, false), token).value() == tokens.value());
  CHECK(mask_bool(tokens, TokenMask({2, 2}, true), token).value() ==
        Tensor<TestType, 3>({2, 2, 2}, {-1, -2, -1, -2, -1, -2, -1, -2}));
}

TEST_CASE("a token that is replaced leaves no trace, even if it is not a number") {
  Tape<double> tape;
  const Var<double, 3> tokens =
      tape.variable(Tensor<double, 3>({1, 2, 1}, {std::numeric_limits<double>::quiet_NaN(), 3}));
  const Var<double, 3> token = tape.variable(Tensor<double, 3>({1, 1, 1}, 7.0));
  const Var<double, 3> out = mask_at_index(tokens, TokenIndex({1, 1}, {0}), token);
  CHECK(out.value() == Tensor<double, 3>({1, 2, 1}, {7, 3}));
  tape.backward(weighted_sum(out, Tensor<double, 3>({1, 2, 1}, {5, 6})));
  CHECK(*tape.gradient(tokens) == Tensor<double, 3>({1, 2, 1}, {0, 6}));
  CHECK(tape.gradient(token)->item() == 5);
}

TEST_CASE("mask_at_index is mask_bool of the same places") {
  expect_twins(at(TokenIndex({2, 3}, {0, 3, 3, 1, 2, 1})),
               where(TokenMask({2, 4}, {true, false, false, true, false, true, true, false})),
               random_tensor<3>({2, 4, 3}, 1), random_tensor<3>({1, 1, 3}, 2));
}

TEST_CASE("gradient of mask_bool and mask_at_index") {
  const Tensor<double, 3> tokens = random_tensor<3>({2, 3, 4}, 1);
  const Tensor<double, 3> token = random_tensor<3>({1, 1, 4}, 2);
  expect_gradient(where(TokenMask({2, 3}, {true, false, true, false, false, true})), tokens, token);
  expect_gradient(where(TokenMask({2, 3}, true)), tokens, token);
  expect_gradient(where(TokenMask({2, 3}, false)), tokens, token);
  expect_gradient(where(TokenMask({0, 3})), Tensor<double, 3>({0, 3, 4}), token);
  expect_gradient(at(TokenIndex({2, 2}, {0, 0, 2, 1})), tokens, token);  // a duplicate
  expect_gradient(at(TokenIndex({2, 0})), tokens, token);
}

TEST_CASE("masking refuses what does not fit") {
  const Tensor<double, 3> tokens = random_tensor<3>({2, 3, 4}, 1);
  const Tensor<double, 3> token = random_tensor<3>({1, 1, 4}, 2);
  const Tensor<double, 3> wide = random_tensor<3>({1, 1, 5}, 2);
  const Tensor<double, 3> two = random_tensor<3>({1, 2, 4}, 2);
  expect_refused("mask_bool: mask [3, 2] must have one entry per token of tokens [2, 3, 4]",
                 where(TokenMask({3, 2})), tokens, token);
  expect_refused(
      "mask_bool: mask_token [1, 1, 5] must be [1, 1, D] with the width of tokens [2, 3, 4]",
      where(TokenMask({2, 3})), tokens, wide);
  expect_refuses_two_tapes("mask_bool", where(TokenMask({2, 3})), tokens, token);
  expect_refused("mask_at_index: index(1, 0) = 3 is outside [0, 3)", at(TokenIndex({2, 1}, {2, 3})),
                 tokens, token);
  expect_refused("mask_at_index: index [1, 1] must have 2 rows, one per image",
                 at(TokenIndex({1, 1})), tokens, token);
  expect_refused(
      "mask_at_index: mask_token [1, 2, 4] must be [1, 1, D] with the width of tokens [2, 3, 4]",
      at(TokenIndex({2, 1})), tokens, two);
  expect_refuses_two_tapes("mask_at_index", at(TokenIndex({2, 1})), tokens, token);
}

TEST_CASE("the mask token's gradient over many tokens is good to one unit in the last place") {
  const Index count = 30000;
  Tape<float> tape;
  const Var<float, 3> tokens = Tensor<float, 3>({1, count, 1});
  const Tensor<float, 3> token({1, 1, 1});
  const auto out = mask_bool(tokens, TokenMask({1, count}, true), tape.parameter(token));
  tape.backward(weighted_sum(out, Tensor<float, 3>({1, count, 1}, 0.1F)));
  const double exact = static_cast<double>(count) * static_cast<double>(0.1F);
  CHECK(std::abs(static_cast<double>(tape.gradient(token)->data()[0]) / exact - 1) <= 0x1p-24);
}

}  // namespace tessera::test
