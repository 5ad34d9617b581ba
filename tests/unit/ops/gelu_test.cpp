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

TEST_CASE("gelu has the same bits on any number of threads", "[threads]") {
  expect_same_bits<float>([](const auto& x) { return gelu(x); }, random_tensor<2>({3, 30000}, 1));
}

}  // namespace tessera::test
