#include "tessera/ops/gelu.hpp"

#include "support/ops.hpp"

namespace tessera::test {

TEMPLATE_TEST_CASE("gelu is the exact form", "", float, double) {
  const Var<TestType, 1> x = Tensor<TestType, 1>({3}, {1, 0, -2});
  check_close(gelu(x).value(), Tensor<double, 1>({3}, {.84134474606854, 0, -.04550026389636}));
}

TEST_CASE("gradient of gelu") {
  const auto f = [](const auto& x) { return gelu(x); };
  for (const Shape<2>& shape : {Shape<2>{0, 3}, Shape<2>{1, 1}, Shape<2>{7, 5}}) {
    Tensor<double, 2> x = random_tensor<2>(shape, 1);
    x.array() *= 4;
    expect_gradient(f, x);
  }
}

TEMPLATE_TEST_CASE("gelu in the tanh form, with gradients, as torch computed it", "", float,
                   double) {
  // torch.nn.functional.gelu(x, approximate="tanh") in double: tests/reference/ops.py.
  Tape<TestType> tape;
  const auto x = tape.variable(Tensor<TestType, 1>({6}, {-2, 0.5, 1.5, 3, -1, 2}));
  const auto y = gelu(x, GeluApproximation::tanh);
  const Tensor<double, 1> expected(
      {6}, {-0.04540230591222494, 0.34571400982514394, 1.3995715769802328, 2.996362607918227,
            -0.15880800939172324, 1.954597694087775});
  check_close(y.value(), expected);
  tape.backward(weighted_sum(y, Tensor<TestType, 1>({6}, {1, -2, 0.5, -1, 0.25, 2})));
  const Tensor<double, 1> gradient(
      {6}, {-0.0860992566236183, -1.7347398070692848, 0.5638553965757165, -1.0115841666309695,
            -0.02074102096144563, 2.1721985132472366});
  check_close(*tape.gradient(x), gradient);
}

TEST_CASE("gradient of gelu in the tanh form") {
  const auto f = [](const auto& x) { return gelu(x, GeluApproximation::tanh); };
  for (const Shape<2>& shape : {Shape<2>{0, 3}, Shape<2>{1, 1}, Shape<2>{7, 5}}) {
    Tensor<double, 2> x = random_tensor<2>(shape, 1);
    x.array() *= 4;
    expect_gradient(f, x);
  }
}

TEST_CASE("gelu has the same bits on any number of threads", "[threads]") {
  expect_same_bits<float>([](const auto& x) { return gelu(x); }, random_tensor<2>({3, 30000}, 1));
}

}  // namespace tessera::test
