#include "tessera/ops/normalize_mean_var.hpp"

#include "support/ops.hpp"

namespace tessera::test {

TEMPLATE_TEST_CASE("normalize_mean_var divides by the unbiased deviation", "", float, double) {
  const Var<TestType, 2> x = Tensor<TestType, 2>({2, 3}, {1, 2, 3, 10, 30, 50});
  check_close(normalize_mean_var(x, 0).value(), Tensor<double, 2>({2, 3}, {-1, 0, 1, -1, 0, 1}));
  // The default eps of 1e-6 is inside the root.
  const double shrunk = 1 / std::sqrt(1 + 1e-6);
  const Var<TestType, 1> row = Tensor<TestType, 1>({3}, {1, 2, 3});
  check_close(normalize_mean_var(row).value(), Tensor<double, 1>({3}, {-shrunk, 0, shrunk}));
}

TEST_CASE("rows come out with mean 0 and unbiased variance 1") {
  const Var<double, 2> x = random_tensor<2>({4, 27}, 1);
  const Tensor<double, 2> y = normalize_mean_var(x, 0).value();
  for (Index r = 0; r < 4; ++r) {
    double sum = 0;
    double squares = 0;
    for (Index c = 0; c < 27; ++c) {
      sum += y(r, c);
      squares += y(r, c) * y(r, c);
    }
    CHECK(std::abs(sum) <= 1e-12);
    CHECK(std::abs(squares / 26 - 1) <= 1e-12);
  }
}

TEMPLATE_TEST_CASE("a constant row becomes zero", "", float, double) {
  const Var<TestType, 2> x = Tensor<TestType, 2>({2, 3}, TestType(5));
  CHECK(normalize_mean_var(x).value() == Tensor<TestType, 2>({2, 3}));
}

TEST_CASE("gradient of normalize_mean_var") {
  const auto f = [](const auto& x) { return normalize_mean_var(x, 1e-2F); };
  for (const Shape<3>& shape : {Shape<3>{0, 2, 3}, Shape<3>{1, 1, 2}, Shape<3>{2, 3, 7}}) {
    expect_gradient(f, random_tensor<3>(shape, 1));
  }
}

TEST_CASE("normalize_mean_var has the same bits on any number of threads", "[threads]") {
  expect_same_bits<float>([](const auto& x) { return normalize_mean_var(x); },
                          random_tensor<2>({700, 111}, 1));
}

TEST_CASE("normalize_mean_var refuses single values and bad eps") {
  expect_refused(
      "normalize_mean_var: x [4, 1] needs two values along its last axis for an unbiased variance",
      [](const Var<double, 2>& x) { return normalize_mean_var(x); }, random_tensor<2>({4, 1}, 1));
  expect_refused(
      "normalize_mean_var: eps = nan must be finite and not negative",
      [](const Var<double, 2>& x) { return normalize_mean_var(x, NAN); },
      random_tensor<2>({4, 2}, 1));
  expect_refused(
      "normalize_mean_var: eps = -0.5 must be finite and not negative",
      [](const Var<double, 2>& x) { return normalize_mean_var(x, -0.5); },
      random_tensor<2>({4, 2}, 1));
}

}  // namespace tessera::test
