#include "tessera/kernels/gelu.hpp"

#include <vector>

#include "support/catch.hpp"
#include "support/each_isa.hpp"
#include "support/tolerance.hpp"

namespace tessera::kernels {

TEMPLATE_TEST_CASE("gelu is the exact form, not the tanh form", "", float, double) {
  // x Phi(x) to ten digits; the tanh form gives .8411920 at 1 and .9999 times that elsewhere.
  const std::vector<std::pair<double, double>> values{{0, 0},
                                                      {1, 0.8413447461},
                                                      {-1, -0.1586552539},
                                                      {2, 1.9544997361},
                                                      {-3, -0.0040496941},
                                                      {0.5, 0.3457312307}};
  const double allowed = std::max(1e-10, test::tolerance<TestType>);
  for (const auto& [x, expected] : values) {
    CHECK(std::abs(static_cast<double>(gelu(static_cast<TestType>(x))) - expected) <= allowed);
  }
  CHECK(gelu(TestType(40)) == TestType(40));
  CHECK(gelu(TestType(-40)) == TestType(0));
}

TEST_CASE("gelu_derivative is the slope of gelu") {
  CHECK(gelu_derivative(0.0) == 0.5);
  for (double x = -6; x <= 6; x += 0.37) {
    const double h = 1e-4;
    const double numeric = (gelu(x + h) - gelu(x - h)) / (2 * h);
    CHECK(std::abs(gelu_derivative(x) - numeric) <= 1e-8);
    CHECK(std::abs(gelu_derivative(static_cast<float>(x)) - gelu_derivative(x)) <=
          test::tolerance<float>);
  }
}

TEMPLATE_TEST_CASE("gelu works on rows, in place too", "", float, double) {
  const std::vector<TestType> x{TestType(-1.5), TestType(0.25), TestType(3)};
  std::vector<TestType> y(3);
  gelu_forward(x.data(), y.data(), 3);
  std::vector<TestType> in_place = x;
  gelu_forward(in_place.data(), in_place.data(), 3);
  CHECK(in_place == y);
  CHECK(std::abs(static_cast<double>(y[1]) - gelu(0.25)) <= test::tolerance<TestType>);

  std::vector<TestType> dy{TestType(1), TestType(2), TestType(-1)};
  std::vector<TestType> dx(3);
  gelu_backward(x.data(), dy.data(), dx.data(), 3);
  CHECK(std::abs(static_cast<double>(dx[1]) - 2 * gelu_derivative(0.25)) <=
        test::tolerance<TestType>);
  gelu_backward(x.data(), dy.data(), dy.data(), 3);
  CHECK(dy == dx);
}

TEST_CASE("rows of gelu are good to 1e-6 on every instruction set, whatever their length") {
  std::vector<float> x(1003);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i) * 0.02F - 10;
  const std::vector<float> dy(x.size(), 1.5F);
  for (const Isa isa : test::every_isa()) {
    const ExecutionScope scope({.isa = isa});
    for (const Index count : {1, 15, 17, 1003}) {
      std::vector<float> y(x.size(), 7.0F);
      std::vector<float> dx(x.size(), 7.0F);
      gelu_forward(x.data(), y.data(), count);
      gelu_backward(x.data(), dy.data(), dx.data(), count);
      double worst = 0;
      for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
        const double exact = x[i];
        const double scale = std::max(1.0, std::abs(exact));
        worst = std::max(worst, std::abs(y[i] - gelu(exact)) / scale);
        worst = std::max(worst, std::abs(dx[i] - 1.5 * gelu_derivative(exact)) / 1.5);
      }
      CHECK(worst <= 1e-6);
      const bool untouched = count == 1003 || (y[static_cast<std::size_t>(count)] == 7.0F &&
                                               dx[static_cast<std::size_t>(count)] == 7.0F);
      CHECK(untouched);
    }
  }
}

}  // namespace tessera::kernels
