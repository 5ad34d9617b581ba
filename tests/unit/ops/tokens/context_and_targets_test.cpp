#include "tessera/ops/tokens/context_and_targets.hpp"

#include "support/ops.hpp"
#include "support/repeat_token.hpp"
#include "tessera/ops/tokens/add_positions.hpp"
#include "tessera/ops/tokens/concat_tokens.hpp"

namespace tessera::test {

namespace {

const auto fused = [](const TokenIndex& idx_context, const TokenIndex& idx_target) {
  return [=](const auto& context, const auto& mask_token, const auto& positions) {
    return context_and_targets(context, idx_context, idx_target, mask_token, positions);
  };
};
const auto composed = [](const TokenIndex& idx_context, const TokenIndex& idx_target) {
  return [=](const auto& context, const auto& mask_token, const auto& positions) {
    const auto targets = repeat_token(mask_token, idx_target.dim(0), idx_target.dim(1));
    return concat_tokens(add_positions(context, positions, idx_context),
                         add_positions(targets, positions, idx_target));
  };
};

}  // namespace

TEMPLATE_TEST_CASE("context and mask tokens stand side by side, with their positions", "", float,
                   double) {
  const Var<TestType, 3> context = Tensor<TestType, 3>({2, 1, 1}, {1, 2});
  const Var<TestType, 3> mask_token = Tensor<TestType, 3>({1, 1, 1}, {5});
  const Var<TestType, 3> positions = Tensor<TestType, 3>({1, 3, 1}, {10, 20, 30});
  CHECK(context_and_targets(context, TokenIndex({2, 1}, {2, 0}), TokenIndex({2, 2}, {0, 1, 2, 2}),
                            mask_token, positions)
            .value() == Tensor<TestType, 3>({2, 3, 1}, {31, 15, 25, 12, 35, 35}));
}

TEST_CASE("context_and_targets is repeat_token, add_positions and concat_tokens") {
  const TokenIndex idx_context({2, 3}, {4, 0, 1, 1, 5, 3});
  const TokenIndex idx_target({2, 2}, {2, 4, 0, 0});  // overlap and a duplicate
  expect_twins(fused(idx_context, idx_target), composed(idx_context, idx_target),
               random_tensor<3>({2, 3, 4}, 1), random_tensor<3>({1, 1, 4}, 2),
               random_tensor<3>({1, 6, 4}, 3));
}

TEST_CASE("gradient of context_and_targets, without context or targets too") {
  const Tensor<double, 3> mask_token = random_tensor<3>({1, 1, 4}, 2);
  const Tensor<double, 3> positions = random_tensor<3>({1, 6, 4}, 3);
  const TokenIndex two({2, 2}, {2, 4, 0, 0});
  const TokenIndex none({2, 0});
  expect_gradient(fused(TokenIndex({2, 3}, {4, 0, 1, 1, 5, 3}), two),
                  random_tensor<3>({2, 3, 4}, 1), mask_token, positions);
  expect_gradient(fused(none, two), Tensor<double, 3>({2, 0, 4}), mask_token, positions);
  expect_gradient(fused(two, none), random_tensor<3>({2, 2, 4}, 1), mask_token, positions);
  expect_gradient(fused(TokenIndex({0, 2}), TokenIndex({0, 1})), Tensor<double, 3>({0, 2, 4}),
                  mask_token, positions);
}

TEST_CASE("context_and_targets has the same bits on any number of threads", "[threads]") {
  TokenIndex idx_context({3, 90});
  TokenIndex idx_target({3, 70});
  Generator generator(4);
  for (Index& place : idx_context) place = generator.randint(0, 100);
  for (Index& place : idx_target) place = generator.randint(0, 100);
  expect_same_bits<float>(fused(idx_context, idx_target), random_tensor<3>({3, 90, 130}, 1),
                          random_tensor<3>({1, 1, 130}, 2), random_tensor<3>({1, 100, 130}, 3));
}

TEST_CASE("context_and_targets refuses what does not fit") {
  const Tensor<double, 3> context = random_tensor<3>({2, 2, 4}, 1);
  const Tensor<double, 3> mask_token = random_tensor<3>({1, 1, 4}, 2);
  const Tensor<double, 3> positions = random_tensor<3>({1, 6, 4}, 3);
  const TokenIndex good({2, 2}, {2, 4, 0, 1});
  const std::string op = "context_and_targets: ";
  expect_refused(op + "positions [1, 6, 5] must be [1, L, D] with the width of context [2, 2, 4]",
                 fused(good, good), context, mask_token, random_tensor<3>({1, 6, 5}, 3));
  expect_refused(op + "positions [2, 6, 4] must be [1, L, D] with the width of context [2, 2, 4]",
                 fused(good, good), context, mask_token, random_tensor<3>({2, 6, 4}, 3));
  expect_refused(op + "mask_token [1, 2, 4] must be [1, 1, D] with the width of context [2, 2, 4]",
                 fused(good, good), context, random_tensor<3>({1, 2, 4}, 2), positions);
  expect_refused(op + "idx_context(1, 1) = 6 is outside [0, 6)",
                 fused(TokenIndex({2, 2}, {0, 1, 2, 6}), good), context, mask_token, positions);
  expect_refused(op + "idx_target(0, 0) = -1 is outside [0, 6)",
                 fused(good, TokenIndex({2, 2}, {-1, 1, 2, 3})), context, mask_token, positions);
  expect_refused(op + "idx_target [1, 2] must have 2 rows, one per image",
                 fused(good, TokenIndex({1, 2})), context, mask_token, positions);
  expect_refused(op + "idx_context [2, 3] must name a place for each token of context [2, 2, 4]",
                 fused(TokenIndex({2, 3}), good), context, mask_token, positions);
  expect_refuses_two_tapes("context_and_targets", fused(good, good), context, mask_token,
                           positions);
}

}  // namespace tessera::test
