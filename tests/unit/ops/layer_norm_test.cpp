#include "tessera/ops/layer_norm.hpp"

#include "support/ops.hpp"

namespace tessera::test {

TEMPLATE_TEST_CASE("layer_norm divides by the biased deviation", "", float, double) {
  // Mean 2, variance 2/3.
  const Var<TestType, 2> x = Tensor<TestType, 2>({1, 3}, {1, 2, 3});
  const double root = std::sqrt(1.5);
  check_close(layer_norm(x, std::nullopt, std::nullopt, 0).value(),
              Tensor<double, 2>({1, 3}, {-root, 0, root}));
  const Var<TestType, 1> gamma = Tensor<TestType, 1>({3}, {1, 2, -2});
  const Var<TestType, 1> beta = Tensor<TestType, 1>({3}, {10, 20, 30});
  check_close(layer_norm(x, gamma, beta, 0).value(),
              Tensor<double, 2>({1, 3}, {10 - root, 20, 30 - 2 * root}));
}

TEMPLATE_TEST_CASE("eps keeps a constant row finite", "", float, double) {
  const Var<TestType, 2> x = Tensor<TestType, 2>({2, 4}, TestType(3));
  CHECK(layer_norm(x, std::nullopt, std::nullopt, TestType(1e-6)).value() ==
        Tensor<TestType, 2>({2, 4}));
}

TEST_CASE("layer_norm agrees with plain loops") {
  const Tensor<double, 3> x = random_tensor<3>({2, 3, 9}, 1);
  const Tensor<double, 1> gamma = random_tensor<1>({9}, 2);
  const Tensor<double, 1> beta = random_tensor<1>({9}, 3);
  Tensor<double, 3> expected(x.shape());
  for (Index r = 0; r < 6; ++r) {
    double mean = 0;
    for (Index c = 0; c < 9; ++c) mean += x.row(r)[c] / 9;
    double variance = 0;
    for (Index c = 0; c < 9; ++c) variance += (x.row(r)[c] - mean) * (x.row(r)[c] - mean) / 9;
    for (Index c = 0; c < 9; ++c) {
      expected.row(r)[c] = (x.row(r)[c] - mean) / std::sqrt(variance + 1e-5) * gamma(c) + beta(c);
    }
  }
  check_close(layer_norm<double>(Var<double, 3>(x), gamma, beta, 1e-5).value(), expected);
}

TEST_CASE("gradient of layer_norm, with and without gamma and beta") {
  for (const Shape<3>& shape : {Shape<3>{0, 2, 3}, Shape<3>{1, 1, 2}, Shape<3>{2, 3, 5},
                                Shape<3>{2, 2, 70}, Shape<3>{3, 1, 1}}) {
    const Tensor<double, 3> x = random_tensor<3>(shape, 1);
    const Tensor<double, 1> gamma = random_tensor<1>({shape[2]}, 2);
    const Tensor<double, 1> beta = random_tensor<1>({shape[2]}, 3);
    expect_gradient(
        [](const auto& in, const auto& g, const auto& b) { return layer_norm(in, g, b, 1e-2F); }, x,
        gamma, beta);
  }
  const Tensor<double, 2> x = random_tensor<2>({3, 6}, 1);
  const Tensor<double, 1> affine = random_tensor<1>({6}, 2);
  expect_gradient([](const auto& in) { return layer_norm(in, std::nullopt, std::nullopt, 1e-2F); },
                  x);
  expect_gradient(
      [](const auto& in, const auto& g) { return layer_norm(in, g, std::nullopt, 1e-2F); }, x,
      affine);
  expect_gradient(
      [](const auto& in, const auto& b) { return layer_norm(in, std::nullopt, b, 1e-2F); }, x,
      affine);
}

TEMPLATE_TEST_CASE("layer_norm has the same bits on any number of threads", "[threads]", float,
                   double) {
  expect_same_bits<TestType>(
      [](const auto& x, const auto& g, const auto& b) { return layer_norm(x, g, b, 1e-6F); },
      random_tensor<2>({600, 131}, 1), random_tensor<1>({131}, 2), random_tensor<1>({131}, 3));
}

TEST_CASE("layer_norm refuses what does not fit") {
  const auto f = [](const auto& x, const auto& g, const auto& b) {
    return layer_norm(x, g, b, 1e-6);
  };
  const Tensor<double, 2> x = random_tensor<2>({2, 3}, 1);
  const Tensor<double, 1> three = random_tensor<1>({3}, 2);
  const Tensor<double, 1> four = random_tensor<1>({4}, 2);
  expect_refused("layer_norm: gamma [4] must match the last axis of x [2, 3]", f, x, four, three);
  expect_refused("layer_norm: beta [4] must match the last axis of x [2, 3]", f, x, three, four);
  expect_refused("layer_norm: x [2, 0] has an empty last axis", f, Tensor<double, 2>({2, 0}),
                 Tensor<double, 1>(), Tensor<double, 1>());
  expect_refuses_two_tapes("layer_norm", f, x, three, three);
  for (const auto& [eps, text] : {std::pair(-1e-6, "-1e-06"), std::pair(double(NAN), "nan"),
                                  std::pair(double(INFINITY), "inf")}) {
    expect_refused(
        concat("layer_norm: eps = ", text, " must be finite and not negative"),
        [bad = eps](const Var<double, 2>& in) {
          return layer_norm(in, std::nullopt, std::nullopt, bad);
        },
        x);
  }
}

}  // namespace tessera::test
