#include "tessera/kernels/softmax.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "support/close.hpp"
#include "support/each_isa.hpp"
#include "support/random_tensor.hpp"

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

TEST_CASE("softmax_row is good to 1e-6 on every instruction set, whatever the length") {
  for (const Isa isa : test::every_isa()) {
    const ExecutionScope scope({.isa = isa});
    for (const Index count : {1, 3, 16, 197, 1030}) {
      auto x = test::random_tensor<1, float>({count + 1}, 5);
      const Tensor<float, 1> before = x;
      double sum = 0;
      for (Index i = 0; i < count; ++i) sum += std::exp(double(before(i)));
      const float logsumexp = softmax_row(x.data(), count);
      CHECK(std::abs(double(logsumexp) - std::log(sum)) <= 1e-6 * std::max(1.0, std::log(sum)));
      double worst = 0;
      for (Index i = 0; i < count; ++i) {
        const double expected = std::exp(double(before(i))) / sum;
        worst = std::max(worst, std::abs(double(x(i)) - expected) / expected);
      }
      CHECK(worst <= 1e-6);
      CHECK(x(count) == before(count));
    }
  }
}

TEST_CASE("softmax_row makes a row that holds NaN all NaN, and of minus infinity nothing") {
  constexpr float infinity = std::numeric_limits<float>::infinity();
  for (const Isa isa : test::every_isa()) {
    const ExecutionScope scope({.isa = isa});
    for (const Index count : {1, 5, 16, 50}) {
      for (Index at = 0; at < count; ++at) {
        auto x = test::random_tensor<1, float>({count}, 5);
        x(at) = std::numeric_limits<float>::quiet_NaN();
        CHECK(std::isnan(softmax_row(x.data(), count)));
        CHECK(std::all_of(x.values().begin(), x.values().end(),
                          [](float value) { return std::isnan(value); }));
        if (count == 1) continue;
        x = test::random_tensor<1, float>({count}, 5);
        x(at) = -infinity;
        CHECK(std::isfinite(softmax_row(x.data(), count)));
        CHECK(x(at) == 0);
        CHECK(std::all_of(x.values().begin(), x.values().end(),
                          [](float value) { return std::isfinite(value); }));
      }
    }
  }
}

TEMPLATE_TEST_CASE("exponentials_of_row is told the maximum, which may be an earlier one", "",
                   float, double) {
  const auto log2 = static_cast<TestType>(std::log(2.0));
  Tensor<TestType, 1> x({3}, {TestType(0), log2, TestType(2) * log2});
  Tensor<TestType, 1> once = x;
  const TestType found = largest_of_row<TestType>(once.data(), 3) * TestType(0.5);
  TestType largest = std::max(TestType(-100), found);
  const TestType sum = exponentials_of_row(once.data(), 3, TestType(0.5), largest);
  CHECK(largest == log2);
  test::check_close(once, Tensor<double, 1>({3}, {0.5, std::sqrt(0.5), 1}));
  CHECK(std::abs(static_cast<double>(sum) - 1.5 - std::sqrt(0.5)) <= test::tolerance<TestType>);
  largest = 2 * log2;
  exponentials_of_row(x.data(), 3, TestType(1), largest);
  CHECK(largest == 2 * log2);
  test::check_close(x, Tensor<double, 1>({3}, {0.25, 0.5, 1}));
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
