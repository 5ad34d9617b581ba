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

TEMPLATE_TEST_CASE("scale by a number multiplies every element", "", float, double) {
  const Var<TestType, 2> x = Tensor<TestType, 2>({2, 2}, {1, 2, 3, 4});
  CHECK(scale(x, 0.5).value() == Tensor<TestType, 2>({2, 2}, {0.5, 1, 1.5, 2}));
  const Var<TestType, 0> loss = Tensor<TestType, 0>({}, TestType(3));
  CHECK(scale(loss, -2).value().item() == TestType(-6));
}

TEST_CASE("gradient of scale by a number") {
  const auto f = [](const auto& x) { return scale(x, -0.75); };
  expect_gradient(f, random_tensor<3>({2, 3, 5}, 1));
  expect_gradient(f, random_tensor<2>({0, 3}, 1));
  expect_gradient([](const auto& x) { return scale(x, 0); }, random_tensor<1>({4}, 1));
}

TEST_CASE("scale by a number refuses one that is none") {
  const auto by = [](double factor) {
    return [factor](const Var<double, 2>& x) { return scale(x, factor); };
  };
  const Tensor<double, 2> x = random_tensor<2>({2, 3}, 1);
  expect_refused("scale: factor = nan must be finite", by(std::nan("")), x);
  expect_refused("scale: factor = inf must be finite", by(HUGE_VAL), x);
}

TEST_CASE("scale has the same bits on any number of threads", "[threads]") {
  expect_same_bits<float>([](const auto& x, const auto& gamma) { return scale(x, gamma); },
                          random_tensor<2>({500, 130}, 1), random_tensor<1>({130}, 2));
  expect_same_bits<float>([](const auto& x) { return scale(x, 0.3F); },
                          random_tensor<2>({500, 130}, 1));
}

TEST_CASE("scale refuses a gamma of another width, and two tapes") {
  const auto f = [](const auto& x, const auto& gamma) { return scale(x, gamma); };
  expect_refused("scale: gamma [4] must match the last axis of x [2, 3]", f,
                 random_tensor<2>({2, 3}, 1), random_tensor<1>({4}, 2));
  expect_refuses_two_tapes("scale", f, random_tensor<2>({2, 3}, 1), random_tensor<1>({3}, 2));
}

}  // namespace tessera::test
