#include "tessera/ops/scale.hpp"

#include "support/ops.hpp"

namespace tessera::test {

TEMPLATE_TEST_CASE("scale multiplies each column by its factor", "", float, double) {
  const Var<TestType, 2> x = Tensor<TestType, 2>({2, 2}, {1, 2, 3, 4});
  const Var<TestType, 1> gamma = Tensor<TestType, 1>({2}, {10, -1});
  CHECK(scale(x, gamma).value() == Tensor<TestType, 2>({2, 2}, {10, -2, 30, -4}));
}

TEST_CASE("gradient of scale") {
  const auto f = [](const auto& x, const auto& gamma) { return scale(x, gamma); };
  for (const Shape<3>& shape : {Shape<3>{0, 2, 3}, Shape<3>{1, 1, 1}, Shape<3>{2, 3, 5}}) {
    expect_gradient(f, random_tensor<3>(shape, 1), random_tensor<1>({shape[2]}, 2));
  }
}

TEST_CASE("scale has the same bits on any number of threads", "[threads]") {
  expect_same_bits<float>([](const auto& x, const auto& gamma) { return scale(x, gamma); },
                          random_tensor<2>({500, 130}, 1), random_tensor<1>({130}, 2));
}

TEST_CASE("scale refuses a gamma of another width, and two tapes") {
  const auto f = [](const auto& x, const auto& gamma) { return scale(x, gamma); };
  expect_refused("scale: gamma [4] must match the last axis of x [2, 3]", f,
                 random_tensor<2>({2, 3}, 1), random_tensor<1>({4}, 2));
  expect_refuses_two_tapes("scale", f, random_tensor<2>({2, 3}, 1), random_tensor<1>({3}, 2));
}

}  // namespace tessera::test
