#include "tessera/kernels/gelu_tanh.hpp"

#include <vector>

#include "support/catch.hpp"
#include "support/each_isa.hpp"
#include "support/tolerance.hpp"

namespace tessera::kernels {

TEMPLATE_TEST_CASE("gelu_tanh of values torch computed", "", float, double) {
  // torch.nn.functional.gelu(x, approximate="tanh") in double: tests/reference/ops.py.
  const std::vector<std::pair<double, double>> values{
      {0, 0},
      {-2, -0.04540230591222494},
      {0.5, 0.34571400982514394},
      {1.5, 1.3995715769802328},
      {3, 2.996362607918227},
      {-1, -0.15880800939172324},
  };
  for (const auto& [x, expected] : values) {
    CHECK(std::abs(static_cast<double>(gelu_tanh(static_cast<TestType>(x))) - expected) <=
          test::tolerance<TestType>);
  }
  CHECK(gelu_tanh(TestType(40)) == TestType(40));
  CHECK(gelu_tanh(TestType(-40)) == TestType(0));
}

TEST_CASE("gelu_tanh_derivative is the slope of gelu_tanh") {
  CHECK(gelu_tanh_derivative(0.0) == 0.5);
  for (double x = -6; x <= 6; x += 0.37) {
    const double h = 1e-4;
    const double numeric = (gelu_tanh(x + h) - gelu_tanh(x - h)) / (2 * h);
    CHECK(std::abs(gelu_tanh_derivative(x) - numeric) <= 1e-8);
    CHECK(std::abs(gelu_tanh_derivative(static_cast<float>(x)) - gelu_tanh_derivative(x)) <=
          test::tolerance<float>);
  }
}

TEMPLATE_TEST_CASE("gelu_tanh works on rows, in place too", "", float, double) {
  const std::vector<TestType> x{TestType(-1.5), TestType(0.25), TestType(3)};
  std::vector<TestType> y(3);
  gelu_tanh_forward(x.data(), y.data(), 3);
  std::vector<TestType> in_place = x;
  gelu_tanh_forward(in_place.data(), in_place.data(), 3);
  CHECK(in_place == y);
  CHECK(std::abs(static_cast<double>(y[1]) - gelu_tanh(0.25)) <= test::tolerance<TestType>);

  std::vector<TestType> dy{TestType(1), TestType(2), TestType(-1)};
  std::vector<TestType> dx(3);
  gelu_tanh_backward(x.data(), dy.data(), dx.data(), 3);
  CHECK(std::abs(static_cast<double>(dx[1]) - 2 * gelu_tanh_derivative(0.25)) <=
        test::tolerance<TestType>);
  gelu_tanh_backward(x.data(), dy.data(), dy.data(), 3);
  CHECK(dy == dx);
}

TEST_CASE("rows of gelu_tanh are good to 1e-6 on every instruction set, whatever their length") {
  std::vector<float> x(1003);
  for (std::size_t i = 0; i < x.size(); ++i) x[i] = static_cast<float>(i) * 0.02F - 10;
  const std::vector<float> dy(x.size(), 1.5F);
  for (const Isa isa : test::every_isa()) {
    const ExecutionScope scope({.isa = isa});
    for (const Index count : {1, 15, 17, 1003}) {
      std::vector<float> y(x.size(), 7.0F);
      std::vector<float> dx(x.size(), 7.0F);
      gelu_tanh_forward(x.data(), y.data(), count);
      gelu_tanh_backward(x.data(), dy.data(), dx.data(), count);
      double worst = 0;
      for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
        const double exact = x[i];
        const double scale = std::max(1.0, std::abs(exact));
        worst = std::max(worst, std::abs(y[i] - gelu_tanh(exact)) / scale);
        worst = std::max(worst, std::abs(dx[i] - 1.5 * gelu_tanh_derivative(exact)) / 1.5);
      }
      CHECK(worst <= 1e-6);
      const bool untouched = count == 1003 || (y[static_cast<std::size_t>(count)] == 7.0F &&
                                               dx[static_cast<std::size_t>(count)] == 7.0F);
      CHECK(untouched);
    }
  }
}

TEST_CASE("gelu_tanh stays finite where its powers and exponentials do not") {
  const std::vector<float> x{-3e38F, -1e15F, -200, 200, 1e15F, 3e38F};
  const std::vector<float> ones(x.size(), 1.0F);
  for (const Isa isa : test::every_isa()) {
    const ExecutionScope scope({.isa = isa});
    std::vector<float> y(x.size());
    std::vector<float> dx(x.size());
    gelu_tanh_forward(x.data(), y.data(), 6);
    gelu_tanh_backward(x.data(), ones.data(), dx.data(), 6);
    CHECK(y == std::vector<float>{0, 0, 0, 200, 1e15F, 3e38F});
    CHECK(std::vector<float>(dx.begin() + 1, dx.end() - 1) == std::vector<float>{0, 0, 1, 1});
  }
}

}  // namespace tessera::kernels
