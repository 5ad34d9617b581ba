#include "support/repeat_token.hpp"

#include "support/ops.hpp"

namespace tessera::test {

namespace {

const auto repeat = [](Index batch, Index length) {
  return [=](const auto& token) { return repeat_token(token, batch, length); };
};

}  // namespace

TEMPLATE_TEST_CASE("repeat_token fills every place", "", float, double) {
  const Var<TestType, 3> token = Tensor<TestType, 3>({1, 1, 2}, {1, 2});
  const Var<TestType, 3> repeated = repeat_token(token, 2, 3);
  CHECK(repeated.shape() == Shape<3>{2, 3, 2});
  CHECK(repeated.value() == Tensor<TestType, 3>({2, 3, 2}, {1, 2, 1, 2, 1, 2, 1, 2, 1, 2, 1, 2}));
}

TEST_CASE("gradient of repeat_token") {
  for (const auto& [batch, length] : {std::pair<Index, Index>{2, 3}, {1, 1}, {0, 3}, {3, 0}}) {
    expect_gradient(repeat(batch, length), random_tensor<3>({1, 1, 4}, 1));
  }
}

TEST_CASE("repeat_token refuses several tokens and negative sizes") {
  expect_refused("repeat_token: token [1, 2, 4] must be [1, 1, D]", repeat(2, 3),
                 random_tensor<3>({1, 2, 4}, 1));
  expect_refused("repeat_token: token [2, 1, 4] must be [1, 1, D]", repeat(2, 3),
                 random_tensor<3>({2, 1, 4}, 1));
  expect_refused("repeat_token: size [-1, 3] is negative", repeat(-1, 3),
                 random_tensor<3>({1, 1, 4}, 1));
  expect_refused("Size: 8589934592 x 4294967296 is too large",
                 repeat(Index{1} << 33, Index{1} << 32), random_tensor<3>({1, 1, 3}, 1));
  expect_refused("repeat_token: size [2, -3] is negative", repeat(2, -3),
                 random_tensor<3>({1, 1, 4}, 1));
}

}  // namespace tessera::test
