#include "tessera/ops/tokens/place_prefix.hpp"

#include "support/ops.hpp"
#include "tessera/ops/tokens/concat_tokens.hpp"
#include "tessera/ops/tokens/get_at_index.hpp"
#include "tessera/ops/tokens/slice_tokens.hpp"

namespace tessera::test {

namespace {

const auto at = [](const TokenIndex& idx) {
  return
      [idx](const auto& tokens, const auto& prefix) { return place_prefix(tokens, prefix, idx); };
};

}  // namespace

TEMPLATE_TEST_CASE("place_prefix replaces what stands on a prefix place", "", float, double) {
  const Var<TestType, 3> tokens = Tensor<TestType, 3>({2, 3, 1}, {1, 2, 3, 4, 5, 6});
  const Var<TestType, 3> prefix = Tensor<TestType, 3>({1, 2, 1}, {70, 80});
  CHECK(place_prefix(tokens, prefix, TokenIndex({2, 3}, {1, 9, 0, 2, 3, 1})).value() ==
        Tensor<TestType, 3>({2, 3, 1}, {80, 2, 70, 4, 5, 80}));
  CHECK(place_prefix(tokens, Var<TestType, 3>(Tensor<TestType, 3>({1, 0, 1})), TokenIndex({2, 3}))
            .value() == tokens.value());
}

TEST_CASE("place_prefix gives the rows of prefix and tokens side by side") {
  // Patches 0..3 follow two prefix tokens; rows that stand on prefix places are replaced.
  const TokenIndex idx({2, 4}, {0, 3, 5, 1, 2, 4, 0, 3});
  const auto composed = [&](const auto& patches, const auto& prefix) {
    return get_at_index(concat_tokens(prefix, patches), idx);
  };
  const auto placed = [&](const auto& patches, const auto& prefix) {
    TokenIndex source = idx;
    for (Index& token : source) token = std::max<Index>(token - 2, 0);
    return place_prefix(get_at_index(patches, source), prefix, idx);
  };
  expect_twins(placed, composed, random_tensor<3>({2, 4, 3}, 1), random_tensor<3>({1, 2, 3}, 2));
}

TEST_CASE("gradient of place_prefix") {
  const Tensor<double, 3> tokens = random_tensor<3>({2, 3, 4}, 1);
  expect_gradient(at(TokenIndex({2, 3}, {1, 9, 0, 2, 1, 1})), tokens,
                  random_tensor<3>({1, 2, 4}, 2));
  expect_gradient(at(TokenIndex({2, 3}, Index{5})), tokens, random_tensor<3>({1, 2, 4}, 2));
  expect_gradient(at(TokenIndex({2, 3})), tokens, Tensor<double, 3>({1, 0, 4}));
  expect_gradient(at(TokenIndex({2, 0})), Tensor<double, 3>({2, 0, 4}),
                  random_tensor<3>({1, 2, 4}, 2));
}

TEST_CASE("place_prefix refuses what does not fit") {
  const Tensor<double, 3> tokens = random_tensor<3>({2, 3, 4}, 1);
  const Tensor<double, 3> prefix = random_tensor<3>({1, 2, 4}, 2);
  expect_refused("place_prefix: idx [2, 2] must name a place for each of tokens [2, 3, 4]",
                 at(TokenIndex({2, 2})), tokens, prefix);
  expect_refused(
      "place_prefix: prefix [1, 2, 5] must be [1, P, D] with the width of tokens [2, 3, 4]",
      at(TokenIndex({2, 3})), tokens, random_tensor<3>({1, 2, 5}, 2));
  expect_refused(
      "place_prefix: prefix [2, 2, 4] must be [1, P, D] with the width of tokens [2, 3, 4]",
      at(TokenIndex({2, 3})), tokens, random_tensor<3>({2, 2, 4}, 2));
  expect_refused("place_prefix: idx(1, 0) = -3 is negative",
                 at(TokenIndex({2, 3}, {0, 1, 2, -3, 0, 1})), tokens, prefix);
  expect_refuses_two_tapes("place_prefix", at(TokenIndex({2, 3})), tokens, prefix);
}

}  // namespace tessera::test
