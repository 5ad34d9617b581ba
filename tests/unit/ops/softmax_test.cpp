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
