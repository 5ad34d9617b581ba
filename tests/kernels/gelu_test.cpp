#include "tessera/kernels/gelu.hpp"

#include <vector>

#include "support/catch.hpp"
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
  CHECK(y[1] == gelu(TestType(0.25)));

  std::vector<TestType> dy{TestType(1), TestType(2), TestType(-1)};
  std::vector<TestType> dx(3);
  gelu_backward(x.data(), dy.data(), dx.data(), 3);
  CHECK(dx[1] == 2 * gelu_derivative(TestType(0.25)));
  gelu_backward(x.data(), dy.data(), dy.data(), 3);
  CHECK(dy == dx);
}

}  // namespace tessera::kernels
