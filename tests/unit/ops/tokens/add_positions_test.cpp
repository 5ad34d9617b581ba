#include "tessera/ops/tokens/add_positions.hpp"

#include "support/ops.hpp"
#include "tessera/ops/tokens/get_at_index.hpp"
#include "tessera/ops/tokens/repeat_interleave_batch.hpp"

namespace tessera::test {

namespace {

const auto whole = [](Index first) {
  return [first](const auto& tokens, const auto& positions) {
    return add_positions(tokens, positions, std::nullopt, first);
  };
};
const auto at = [](const TokenIndex& idx, Index first = 0) {
  return [idx, first](const auto& tokens, const auto& positions) {
    return add_positions(tokens, positions, idx, first);
  };
};

}  // namespace

TEMPLATE_TEST_CASE("add_positions of hand computed numbers", "", float, double) {
  const Var<TestType, 3> tokens = Tensor<TestType, 3>({2, 2, 1}, {1, 2, 3, 4});
  const Var<TestType, 3> two = Tensor<TestType, 3>({1, 2, 1}, {10, 20});
  const Var<TestType, 3> three = Tensor<TestType, 3>({1, 3, 1}, {10, 20, 30});
  const Var<TestType, 3> one = Tensor<TestType, 3>({1, 1, 1}, {10});
  CHECK(add_positions(tokens, two).value() == Tensor<TestType, 3>({2, 2, 1}, {11, 22, 13, 24}));
  CHECK(add_positions(tokens, three, TokenIndex({2, 2}, {2, 0, 1, 1})).value() ==
        Tensor<TestType, 3>({2, 2, 1}, {31, 12, 23, 24}));
  // Place 1 of the sequence has row 0 of the table, place 0 none.
  CHECK(add_positions(tokens, one, std::nullopt, 1).value() ==
        Tensor<TestType, 3>({2, 2, 1}, {1, 12, 3, 14}));
  CHECK(add_positions(tokens, three, TokenIndex({2, 2}, {3, 0, 1, 2}), 1).value() ==
        Tensor<TestType, 3>({2, 2, 1}, {31, 2, 13, 24}));
}

TEST_CASE("add_positions at indices is add of gathered rows") {
  const TokenIndex idx({2, 3}, {4, 0, 4, 1, 2, 3});
  expect_twins(
      at(idx),
      [&](const auto& tokens, const auto& positions) {
        return add(tokens, get_at_index(repeat_interleave_batch(positions, 1, 2), idx));
      },
      random_tensor<3>({2, 3, 4}, 1), random_tensor<3>({1, 5, 4}, 2));
}

TEST_CASE("gradient of add_positions") {
  expect_gradient(whole(0), random_tensor<3>({2, 3, 4}, 1), random_tensor<3>({1, 3, 4}, 2));
  expect_gradient(whole(2), random_tensor<3>({2, 3, 4}, 1), random_tensor<3>({1, 1, 4}, 2));
  expect_gradient(whole(3), random_tensor<3>({2, 3, 4}, 1), Tensor<double, 3>({1, 0, 4}));
  expect_gradient(whole(0), Tensor<double, 3>({0, 3, 4}), random_tensor<3>({1, 3, 4}, 2));
  expect_gradient(at(TokenIndex({2, 3}, {3, 3, 0, 1, 2, 3})), random_tensor<3>({2, 3, 4}, 1),
                  random_tensor<3>({1, 4, 4}, 2));
  expect_gradient(at(TokenIndex({2, 3}, {0, 1, 2, 5, 5, 1}), 2), random_tensor<3>({2, 3, 4}, 1),
                  random_tensor<3>({1, 4, 4}, 2));
  expect_gradient(at(TokenIndex({2, 0})), Tensor<double, 3>({2, 0, 4}),
                  random_tensor<3>({1, 4, 4}, 2));
}

TEST_CASE("add_positions has the same bits on any number of threads", "[threads]") {
  expect_same_bits<float>(whole(0), random_tensor<3>({5, 90, 110}, 1),
                          random_tensor<3>({1, 90, 110}, 2));
}

TEST_CASE("add_positions refuses what does not fit") {
  const Tensor<double, 3> tokens = random_tensor<3>({2, 3, 4}, 1);
  const Tensor<double, 3> table = random_tensor<3>({1, 3, 4}, 2);
  expect_refused(
      "add_positions: positions [1, 3, 5] must be [1, P, D] with the width of tokens [2, 3, 4]",
      whole(0), tokens, random_tensor<3>({1, 3, 5}, 2));
  expect_refused(
      "add_positions: positions [2, 3, 4] must be [1, P, D] with the width of tokens [2, 3, 4]",
      whole(0), tokens, random_tensor<3>({2, 3, 4}, 2));
  expect_refused("add_positions: first = -1 is negative", whole(-1), tokens, table);
  expect_refused("add_positions: tokens [2, 3, 4] must have the 4 places of positions [1, 3, 4]",
                 whole(1), tokens, table);
  expect_refused("add_positions: idx(0, 1) = 3 is outside [0, 3)",
                 at(TokenIndex({2, 3}, {0, 3, 0, 0, 0, 0})), tokens, table);
  expect_refused("add_positions: idx [1, 3] must have 2 rows, one per image",
                 at(TokenIndex({1, 3})), tokens, table);
  expect_refused("add_positions: idx [2, 2] must name a place for each of tokens [2, 3, 4]",
                 at(TokenIndex({2, 2})), tokens, table);
  expect_refuses_two_tapes("add_positions", whole(0), tokens, table);
}

}  // namespace tessera::test
