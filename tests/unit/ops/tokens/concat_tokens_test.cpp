#include "tessera/ops/tokens/concat_tokens.hpp"

#include "support/ops.hpp"
#include "tessera/ops/tokens/slice_tokens.hpp"

namespace tessera::test {

namespace {

const auto concat = [](const auto& a, const auto& b) { return concat_tokens(a, b); };

}  // namespace

TEMPLATE_TEST_CASE("concat_tokens puts tokens side by side", "", float, double) {
  const Var<TestType, 3> a = Tensor<TestType, 3>({2, 1, 1}, {1, 2});
  const Var<TestType, 3> b = Tensor<TestType, 3>({2, 2, 1}, {10, 20, 30, 40});
  CHECK(concat_tokens(a, b).value() == Tensor<TestType, 3>({2, 3, 1}, {1, 10, 20, 2, 30, 40}));
}

TEMPLATE_TEST_CASE("a class token of one image goes before every image", "", float, double) {
  const Var<TestType, 3> token = Tensor<TestType, 3>({1, 1, 1}, {7});
  const Var<TestType, 3> tokens = Tensor<TestType, 3>({2, 2, 1}, {1, 2, 3, 4});
  const Var<TestType, 3> out = concat_tokens(token, tokens);
  CHECK(out.shape() == Shape<3>{2, 3, 1});
  CHECK(out.value() == Tensor<TestType, 3>({2, 3, 1}, {7, 1, 2, 7, 3, 4}));
}

TEST_CASE("slices of concat_tokens are its inputs") {
  const Var<double, 3> a = random_tensor<3>({2, 3, 4}, 1);
  const Var<double, 3> b = random_tensor<3>({2, 5, 4}, 2);
  const Var<double, 3> both = concat_tokens(a, b);
  CHECK(slice_tokens(both, 0, 3).value() == a.value());
  CHECK(slice_tokens(both, 3, 5).value() == b.value());
}

TEST_CASE("gradient of concat_tokens") {
  const Tensor<double, 3> b = random_tensor<3>({2, 3, 4}, 2);
  expect_gradient(concat, random_tensor<3>({2, 2, 4}, 1), b);
  expect_gradient(concat, random_tensor<3>({1, 2, 4}, 1), b);  // shared by the images
  expect_gradient(concat, random_tensor<3>({1, 2, 4}, 1), random_tensor<3>({1, 3, 4}, 2));
  expect_gradient(concat, Tensor<double, 3>({1, 0, 4}), b);  // no prefix
  expect_gradient(concat, random_tensor<3>({2, 2, 4}, 1), Tensor<double, 3>({2, 0, 4}));
  expect_gradient(concat, random_tensor<3>({1, 2, 4}, 1), Tensor<double, 3>({0, 3, 4}));
}

TEST_CASE("concat_tokens refuses what does not fit") {
  expect_refused(
      "concat_tokens: a [3, 1, 4] must have one image or those of b [2, 3, 4], and its width",
      concat, random_tensor<3>({3, 1, 4}, 1), random_tensor<3>({2, 3, 4}, 2));
  expect_refused(
      "concat_tokens: a [1, 1, 5] must have one image or those of b [2, 3, 4], and its width",
      concat, random_tensor<3>({1, 1, 5}, 1), random_tensor<3>({2, 3, 4}, 2));
  expect_refused(
      "concat_tokens: a [2, 1, 4] must have one image or those of b [1, 3, 4], and its width",
      concat, random_tensor<3>({2, 1, 4}, 1), random_tensor<3>({1, 3, 4}, 2));
  expect_refuses_two_tapes("concat_tokens", concat, random_tensor<3>({2, 1, 4}, 1),
                           random_tensor<3>({2, 3, 4}, 2));
}

}  // namespace tessera::test
