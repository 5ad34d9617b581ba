#include "tessera/kernels/simd/vector_math.hpp"

#include <cmath>
#include <limits>
#include <numbers>
#include <vector>

#include "support/catch.hpp"
#include "support/each_isa.hpp"
#include "tessera/kernels/gelu.hpp"
#include "tessera/kernels/simd/dispatch.hpp"

namespace tessera::kernels {

namespace {

enum class Function { exp, cdf, gelu, gelu_derivative, square_root };

template <Function function>
struct Evaluate {
  template <class Vector>
  [[gnu::always_inline]] static void run(const float* x, float* y, Index count) {
    for (Index i = 0; i < count; i += lanes<Vector>) {
      Vector in, out, bell;
      load(in, x + i);
      if constexpr (function == Function::exp) exp(in, out);
      if constexpr (function == Function::cdf) normal(in, out, bell);
      if constexpr (function == Function::gelu) gelu(in, out);
      if constexpr (function == Function::gelu_derivative) gelu_derivative(in, out);
      if constexpr (function == Function::square_root) square_root(in, out);
      store(out, y + i);
    }
  }
};

/// `count` numbers from first to last; a multiple of every vector's length.
std::vector<float> grid(double first, double last, std::size_t count = 1 << 16) {
  std::vector<float> x(count);
  for (std::size_t i = 0; i < count; ++i) {
    x[i] = static_cast<float>(first + (last - first) * static_cast<double>(i) /
                                          static_cast<double>(count - 1));
  }
  return x;
}

template <Function function>
std::vector<float> evaluate(const std::vector<float>& x) {
  std::vector<float> y(x.size());
  run_vectorized<Evaluate<function>, float>(x.data(), y.data(), static_cast<Index>(x.size()));
  return y;
}

/// Largest error relative to the exact value.
double relative_error(const std::vector<float>& x, const std::vector<float>& found,
                      double (*exact)(double)) {
  double worst = 0;
  for (std::size_t i = 0; i < x.size(); ++i) {
    const double expected = exact(static_cast<double>(x[i]));
    const double apart = std::abs(static_cast<double>(found[i]) - expected);
    if (apart > 0) worst = std::max(worst, apart / std::abs(expected));
  }
  return worst;
}

constexpr double ulp = std::numeric_limits<float>::epsilon();

}  // namespace

TEST_CASE("exp is good to two units in the last place, and 0 far below") {
  for (const Isa isa : test::every_isa()) {
    const ExecutionScope scope({.isa = isa});
    INFO(isa_names[static_cast<std::size_t>(isa)]);
    const auto exact = [](double x) { return std::exp(x); };
    for (const double end : {-87.3, -1.0, 1.0, 88.0}) {
      const std::vector<float> x = grid(0, end);
      CHECK(relative_error(x, evaluate<Function::exp>(x), exact) <= 2 * ulp);
    }
    const float infinity = std::numeric_limits<float>::infinity();
    std::vector<float> x(16, -88.0F);
    x[1] = -infinity;
    x[2] = 1000;
    x[3] = std::numeric_limits<float>::quiet_NaN();
    const std::vector<float> y = evaluate<Function::exp>(x);
    CHECK(y[0] == 0);
    CHECK(y[1] == 0);
    CHECK((y[2] > 1e38F && std::isfinite(y[2])));
    CHECK(std::isnan(y[3]));
  }
}

TEST_CASE("the normal distribution keeps its relative accuracy in both tails") {
  for (const Isa isa : test::every_isa()) {
    const ExecutionScope scope({.isa = isa});
    const auto exact = [](double x) { return 0.5 * std::erfc(-x / std::numbers::sqrt2); };
    const std::vector<float> near = grid(-2, 9);
    CHECK(relative_error(near, evaluate<Function::cdf>(near), exact) <= 6e-7);
    const std::vector<float> tail = grid(-12, -2);  // of a^2 / 2 = 72 a part in 2^24 is 4e-6
    CHECK(relative_error(tail, evaluate<Function::cdf>(tail), exact) <= 5e-6);
  }
}

TEST_CASE("square_root is good to two units in the last place, at the ends too") {
  for (const Isa isa : test::every_isa()) {
    const ExecutionScope scope({.isa = isa});
    const auto exact = [](double x) { return std::sqrt(x); };
    for (const double end : {5e-38, 4.0, 3.4e38}) {
      const std::vector<float> x = grid(end, end / 4);
      CHECK(relative_error(x, evaluate<Function::square_root>(x), exact) <= 2 * ulp);
    }
    std::vector<float> x(16, 0.0F);
    x[1] = std::numeric_limits<float>::infinity();
    x[2] = 1e-40F;
    const std::vector<float> y = evaluate<Function::square_root>(x);
    CHECK(y[0] == 0);
    CHECK(y[1] == x[1]);
    CHECK((y[2] >= 0 && y[2] <= 1.1e-20F));
  }
}

TEST_CASE("gelu and its derivative are good to 1e-6 of their exact values") {
  for (const Isa isa : test::every_isa()) {
    const ExecutionScope scope({.isa = isa});
    const std::vector<float> x = grid(-30, 30);
    const std::vector<float> y = evaluate<Function::gelu>(x);
    const std::vector<float> slope = evaluate<Function::gelu_derivative>(x);
    double worst = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      const auto exact = static_cast<double>(x[i]);
      const double scale = std::max(1.0, std::abs(exact));
      worst = std::max(worst, std::abs(static_cast<double>(y[i]) - gelu(exact)) / scale);
      worst = std::max(worst, std::abs(static_cast<double>(slope[i]) - gelu_derivative(exact)));
    }
    CHECK(worst <= 1e-6);
    CHECK(y.front() == 0);
    CHECK(y.back() == 30);
  }
}

TEST_CASE("gelu of what is no ordinary number is that of the formula") {
  for (const Isa isa : test::every_isa()) {
    const ExecutionScope scope({.isa = isa});
    const float infinity = std::numeric_limits<float>::infinity();
    std::vector<float> x(16, 0.0F);
    x[0] = infinity;
    x[1] = -infinity;  // infinity times zero
    x[2] = std::numeric_limits<float>::quiet_NaN();
    x[3] = -0.0F;
    x[4] = -1e30F;
    x[5] = 1e30F;
    const std::vector<float> y = evaluate<Function::gelu>(x);
    CHECK(y[0] == infinity);
    CHECK(std::isnan(y[1]));
    CHECK(std::isnan(y[2]));
    CHECK((y[3] == 0 && std::signbit(y[3])));
    CHECK(y[4] == 0);
    CHECK(y[5] == 1e30F);
  }
}

TEST_CASE("every instruction set gives the same numbers but for fused rounding") {
  const std::vector<float> x = grid(-6, 6);
  std::vector<float> first;
  for (const Isa isa : test::every_isa()) {
    const ExecutionScope scope({.isa = isa});
    const std::vector<float> y = evaluate<Function::gelu>(x);
    if (first.empty()) first = y;
    for (std::size_t i = 0; i < x.size(); ++i) {
      REQUIRE(std::abs(y[i] - first[i]) <= 1e-6F * std::max(1.0F, std::abs(first[i])));
    }
  }
}

}  // namespace tessera::kernels
