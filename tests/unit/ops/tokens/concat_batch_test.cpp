#include "tessera/ops/tokens/concat_batch.hpp"

#include "support/ops.hpp"

namespace tessera::test {

namespace {

const auto concat = [](const auto& first, const auto&... others) {
  using V = std::remove_cvref_t<decltype(first)>;
  const std::vector<V> parts{first, others...};
  return concat_batch(std::span<const V>(parts));
};

}  // namespace

TEMPLATE_TEST_CASE("concat_batch stacks images", "", float, double) {
  using V = Var<TestType, 3>;
  const V a = Tensor<TestType, 3>({1, 1, 2}, {1, 2});
  const V b = Tensor<TestType, 3>({2, 1, 2}, {3, 4, 5, 6});
  CHECK(concat(a, b).value() == Tensor<TestType, 3>({3, 1, 2}, {1, 2, 3, 4, 5, 6}));
  const V single = concat(a);
  CHECK(&single.value() == &a.value());  // nothing to copy
}

TEST_CASE("gradient of concat_batch") {
  expect_gradient(concat, random_tensor<3>({1, 2, 3}, 1), random_tensor<3>({2, 2, 3}, 2),
                  random_tensor<3>({3, 2, 3}, 3));
  expect_gradient(concat, random_tensor<3>({2, 2, 3}, 1), Tensor<double, 3>({0, 2, 3}),
                  random_tensor<3>({1, 2, 3}, 3));
  expect_gradient(concat, Tensor<double, 3>({2, 0, 3}), Tensor<double, 3>({1, 0, 3}),
                  Tensor<double, 3>({1, 0, 3}));
  expect_gradient([](const auto& x) { return concat(x, x); }, random_tensor<3>({2, 2, 3}, 1));
}

TEST_CASE("concat_batch refuses no parts, parts that differ and two tapes") {
  CHECK(error_of([] { concat_batch(std::span<const Var<double, 3>>()); }) ==
        "concat_batch: parts is empty");
  expect_refused("concat_batch: parts of shapes [1, 2, 3] and [1, 2, 4] cannot be stacked", concat,
                 random_tensor<3>({1, 2, 3}, 1), random_tensor<3>({1, 2, 4}, 2));
  expect_refused("concat_batch: parts of shapes [1, 2, 3] and [1, 1, 3] cannot be stacked", concat,
                 random_tensor<3>({1, 2, 3}, 1), random_tensor<3>({1, 1, 3}, 2));
  expect_refuses_two_tapes("concat_batch", concat, random_tensor<3>({1, 2, 3}, 1),
                           random_tensor<3>({1, 2, 3}, 2), random_tensor<3>({1, 2, 3}, 3));
}

}  // namespace tessera::test
