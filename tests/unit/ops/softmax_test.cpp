#include "tessera/ops/softmax.hpp"

#include "support/ops.hpp"

namespace tessera::test {

TEMPLATE_TEST_CASE("softmax of hand computed rows", "", float, double) {
  const auto log3 = static_cast<TestType>(std::log(3.0));
  const Var<TestType, 2> x = Tensor<TestType, 2>({2, 2}, {0, log3, 1000, 1000});
  check_close(softmax(x).value(), Tensor<double, 2>({2, 2}, {0.25, 0.75, 0.5, 0.5}));
}

TEST_CASE("gradient of softmax") {
  const auto f = [](const auto& x) { return softmax(x); };
  for (const Shape<3>& shape :
       {Shape<3>{0, 2, 3}, Shape<3>{0, 2, 0}, Shape<3>{1, 1, 1}, Shape<3>{2, 3, 5}}) {
    Tensor<double, 3> x = random_tensor<3>(shape, 1);
    x.array() *= 3;
    expect_gradient(f, x);
  }
  expect_gradient(f, random_tensor<1>({4}, 1));
}

TEMPLATE_TEST_CASE("log_softmax, with gradients, as torch computed it", "", float, double) {
  // torch.nn.functional.log_softmax in double: tests/reference/ops.py.
  Tape<TestType> tape;
  const auto x = tape.variable(Tensor<TestType, 2>({2, 3}, {-2, 0.5, 1.5, 3, -1, 2}));
  const auto y = log_softmax(x);
  const Tensor<double, 2> expected(
      {2, 3}, {-3.8350975955161672, -1.3350975955161672, -0.3350975955161672, -0.3265626412674705,
               -4.32656264126747, -1.3265626412674705});
  check_close(y.value(), expected);
  tape.backward(weighted_sum(y, Tensor<TestType, 2>({2, 3}, {1, -2, 0.5, -1, 0.25, 2})));
  const Tensor<double, 2> gradient(
      {2, 3}, {1.0107996151896348, -1.8684337531743518, 0.857634137984717, -1.9017489803424608,
               0.23348389130776323, 1.6682650890346975});
  check_close(*tape.gradient(x), gradient);
}

TEST_CASE("log_softmax is finite where a probability is no number above zero") {
  const Tensor<float, 2> x({1, 3}, {0, -1000, 10000});
  CHECK(log_softmax(Var(x)).value() == Tensor<float, 2>({1, 3}, {-10000, -11000, 0}));
}

TEST_CASE("gradient of log_softmax") {
  const auto f = [](const auto& x) { return log_softmax(x); };
  for (const Shape<3>& shape :
       {Shape<3>{0, 2, 3}, Shape<3>{0, 2, 0}, Shape<3>{1, 1, 1}, Shape<3>{2, 3, 5}}) {
    Tensor<double, 3> x = random_tensor<3>(shape, 1);
    x.array() *= 3;
    expect_gradient(f, x);
  }
  expect_same_bits<float>(f, random_tensor<2>({700, 111}, 1));
  expect_refused(
      "log_softmax: x [2, 0] has an empty last axis",
      [](const Var<double, 2>& x) { return log_softmax(x); }, Tensor<double, 2>({2, 0}));
}

TEST_CASE("softmax has the same bits on any number of threads", "[threads]") {
  expect_same_bits<float>([](const auto& x) { return softmax(x); },
                          random_tensor<2>({700, 111}, 1));
}

TEST_CASE("softmax refuses rows without elements") {
  expect_refused(
      "softmax: x [2, 0] has an empty last axis",
      [](const Var<double, 2>& x) { return softmax(x); }, Tensor<double, 2>({2, 0}));
}

}  // namespace tessera::test
