#include "tessera/kernels/softmax.hpp"

#include "support/close.hpp"

namespace tessera::kernels {

TEMPLATE_TEST_CASE("softmax_row gives probabilities and the logarithm of the sum", "", float,
                   double) {
  Tensor<TestType, 1> x({3}, {TestType(0), TestType(std::log(2)), TestType(std::log(5))});
  const TestType logsumexp = softmax_row(x.data(), 3);
  CHECK(std::abs(static_cast<double>(logsumexp) - std::log(8.0)) <= test::tolerance<TestType>);
  test::check_close(x, Tensor<double, 1>({3}, {0.125, 0.25, 0.625}));

  Tensor<TestType, 1> one({1}, TestType(-7));
  CHECK(softmax_row(one.data(), 1) == TestType(-7));
  CHECK(one(0) == TestType(1));
}

TEMPLATE_TEST_CASE("softmax_row survives large values", "", float, double) {
  Tensor<TestType, 1> x({3}, {TestType(30000), TestType(30000), TestType(-30000)});
  const TestType logsumexp = softmax_row(x.data(), 3);
  CHECK(x == Tensor<TestType, 1>({3}, {TestType(0.5), TestType(0.5), TestType(0)}));
  CHECK(std::abs(static_cast<double>(logsumexp) - 30000 - std::log(2.0)) <=
        30000 * test::tolerance<TestType>);
}

TEMPLATE_TEST_CASE("softmax_row_backward agrees with the whole Jacobian", "", float, double) {
  Tensor<TestType, 1> y({4}, {TestType(0.1), TestType(0.2), TestType(0.3), TestType(0.4)});
  const Tensor<TestType, 1> dy({4}, {TestType(1), TestType(-2), TestType(0.5), TestType(3)});
  Tensor<double, 1> expected({4});
  for (Index i = 0; i < 4; ++i) {
    for (Index j = 0; j < 4; ++j) expected(i) += y(i) * ((i == j ? 1.0 : 0.0) - y(j)) * dy(j);
  }
  Tensor<TestType, 1> dx = dy;
  softmax_row_backward(y.data(), dx.data(), 4);
  test::check_close(dx, expected);
}

}  // namespace tessera::kernels
