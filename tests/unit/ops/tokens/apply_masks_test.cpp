#include "tessera/ops/tokens/apply_masks.hpp"

#include "support/ops.hpp"
#include "tessera/ops/tokens/concat_batch.hpp"
#include "tessera/ops/tokens/get_at_index.hpp"

namespace tessera::test {

namespace {

using Masks = std::vector<TokenIndex>;

const auto apply = [](const Masks& masks) {
  return [masks](const auto& tokens) { return apply_masks(tokens, masks); };
};

}  // namespace

TEMPLATE_TEST_CASE("apply_masks goes mask by mask, image by image", "", float, double) {
  const Var<TestType, 3> tokens = Tensor<TestType, 3>({2, 3, 1}, {0, 1, 2, 10, 11, 12});
  const Masks masks{TokenIndex({2, 2}, {0, 1, 1, 2}), TokenIndex({2, 2}, {2, 1, 0, 2})};
  CHECK(apply_masks(tokens, masks).value() ==
        Tensor<TestType, 3>({4, 2, 1}, {0, 1, 11, 12, 2, 1, 10, 12}));
}

TEST_CASE("apply_masks is get_at_index per mask, stacked") {
  const Masks masks{TokenIndex({2, 3}, {0, 1, 4, 1, 2, 3}), TokenIndex({2, 3}, {2, 1, 4, 0, 2, 0}),
                    TokenIndex({2, 3}, {4, 3, 2, 1, 0, 4})};
  const auto composed = [&](const auto& tokens) {
    std::vector<std::remove_cvref_t<decltype(tokens)>> parts;
    for (const TokenIndex& mask : masks) parts.push_back(get_at_index(tokens, mask));
    return concat_batch(std::span<const std::remove_cvref_t<decltype(tokens)>>(parts));
  };
  expect_twins(apply(masks), composed, random_tensor<3>({2, 5, 3}, 1));
}

TEST_CASE("gradient of apply_masks, overlap and empty masks included") {
  const Tensor<double, 3> tokens = random_tensor<3>({2, 4, 3}, 1);
  expect_gradient(apply({TokenIndex({2, 2}, {0, 1, 3, 3}), TokenIndex({2, 2}, {1, 2, 3, 0})}),
                  tokens);
  expect_gradient(apply({TokenIndex({2, 0}), TokenIndex({2, 0})}), tokens);
  expect_gradient(apply({TokenIndex({0, 2})}), Tensor<double, 3>({0, 4, 3}));
}

TEST_CASE("apply_masks refuses masks that do not fit") {
  const Tensor<double, 3> tokens = random_tensor<3>({2, 4, 3}, 1);
  const TokenIndex good({2, 2}, {0, 1, 2, 3});
  expect_refused("apply_masks: masks is empty", apply({}), tokens);
  expect_refused("apply_masks: masks of shapes [2, 2] and [2, 3] cannot be stacked",
                 apply({good, TokenIndex({2, 3})}), tokens);
  expect_refused("apply_masks: masks[0] [1, 2] must have 2 rows, one per image",
                 apply({TokenIndex({1, 2})}), tokens);
  expect_refused("apply_masks: masks[1](1, 0) = 4 is outside [0, 4)",
                 apply({good, TokenIndex({2, 2}, {0, 1, 4, 3})}), tokens);
}

}  // namespace tessera::test
