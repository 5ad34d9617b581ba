#include "tessera/ops/tokens/slice_tokens.hpp"

#include <limits>

#include "support/ops.hpp"

namespace tessera::test {

namespace {

const auto slice = [](Index first, Index count) {
  return [=](const auto& tokens) { return slice_tokens(tokens, first, count); };
};

}  // namespace

TEMPLATE_TEST_CASE("slice_tokens takes a run of tokens of every image", "", float, double) {
  const Var<TestType, 3> tokens = Tensor<TestType, 3>({2, 3, 1}, {1, 2, 3, 4, 5, 6});
  CHECK(slice_tokens(tokens, 1, 2).value() == Tensor<TestType, 3>({2, 2, 1}, {2, 3, 5, 6}));
  CHECK(slice_tokens(tokens, 3, 0).value() == Tensor<TestType, 3>({2, 0, 1}));
  const Var<TestType, 3> all = slice_tokens(tokens, 0, 3);
  CHECK(&all.value() == &tokens.value());  // nothing to copy
}

TEST_CASE("gradient of slice_tokens") {
  for (const auto& [first, count] : {std::pair<Index, Index>{0, 2}, {2, 3}, {1, 0}, {0, 5}}) {
    expect_gradient(slice(first, count), random_tensor<3>({2, 5, 3}, 1));
  }
  expect_gradient(slice(1, 1), Tensor<double, 3>({0, 5, 3}));
}

TEST_CASE("slice_tokens refuses tokens that do not exist") {
  const Tensor<double, 3> tokens = random_tensor<3>({2, 5, 3}, 1);
  expect_refused("slice_tokens: first = 4 and count = 2 do not fit tokens [2, 5, 3]", slice(4, 2),
                 tokens);
  expect_refused("slice_tokens: first = -1 and count = 3 do not fit tokens [2, 5, 3]", slice(-1, 3),
                 tokens);
  expect_refused("slice_tokens: first = 3 and count = -1 do not fit tokens [2, 5, 3]", slice(3, -1),
                 tokens);
  constexpr Index huge = std::numeric_limits<Index>::max();
  expect_refused(
      "slice_tokens: first = 2 and count = 9223372036854775807 do not fit tokens "
      "[2, 5, 3]",
      slice(2, huge), tokens);
}

}  // namespace tessera::test
