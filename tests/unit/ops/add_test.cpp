#include "tessera/ops/add.hpp"

#include "support/ops.hpp"

namespace tessera::test {

TEMPLATE_TEST_CASE("add adds elements", "", float, double) {
  const Var<TestType, 2> a = Tensor<TestType, 2>({1, 2}, {1, 2});
  const Var<TestType, 2> b = Tensor<TestType, 2>({1, 2}, {10, 20});
  CHECK(add(a, b).value() == Tensor<TestType, 2>({1, 2}, {11, 22}));
}

TEST_CASE("gradient of add") {
  const auto f = [](const auto& a, const auto& b) { return add(a, b); };
  for (const Shape<2>& shape : {Shape<2>{0, 3}, Shape<2>{1, 1}, Shape<2>{3, 4}}) {
    expect_gradient(f, random_tensor<2>(shape, 1), random_tensor<2>(shape, 2));
  }
  expect_gradient([](const auto& a) { return add(a, a); }, random_tensor<1>({3}, 1));
}

TEST_CASE("add has the same bits on any number of threads", "[threads]") {
  const auto f = [](const auto& a, const auto& b) { return add(a, b); };
  expect_same_bits<float>(f, random_tensor<2>({3, 30000}, 1), random_tensor<2>({3, 30000}, 2));
}

TEST_CASE("add refuses different shapes and tapes") {
  const auto f = [](const auto& a, const auto& b) { return add(a, b); };
  expect_refused("add: a [2, 3] and b [3, 2] must have the same shape", f,
                 random_tensor<2>({2, 3}, 1), random_tensor<2>({3, 2}, 2));
  expect_refuses_two_tapes("add", f, random_tensor<2>({2, 3}, 1), random_tensor<2>({2, 3}, 2));
}

}  // namespace tessera::test
