#include "tessera/kernels/layer_norm.hpp"

#include "support/close.hpp"
#include "support/random_tensor.hpp"

namespace tessera::kernels {

using test::random_tensor;

TEMPLATE_TEST_CASE("layer_norm_forward agrees with plain loops and keeps mean and rstd", "", float,
                   double) {
  const Index rows = 4;
  const Index cols = 7;
  const auto x = random_tensor<2, TestType>({rows, cols}, 1);
  const auto gamma = random_tensor<1, TestType>({cols}, 2);
  const auto beta = random_tensor<1, TestType>({cols}, 3);
  Tensor<double, 1> mean({rows});
  Tensor<double, 1> rstd({rows});
  Tensor<double, 2> plain({rows, cols});
  Tensor<double, 2> affine({rows, cols});
  for (Index r = 0; r < rows; ++r) {
    for (Index c = 0; c < cols; ++c) mean(r) += x(r, c) / double(cols);
    double variance = 0;
    for (Index c = 0; c < cols; ++c) variance += std::pow(x(r, c) - mean(r), 2) / double(cols);
    rstd(r) = 1 / std::sqrt(variance + 1e-3);
    for (Index c = 0; c < cols; ++c) {
      plain(r, c) = (x(r, c) - mean(r)) * rstd(r);
      affine(r, c) = plain(r, c) * gamma(c) + beta(c);
    }
  }
  Tensor<TestType, 2> y({rows, cols});
  Tensor<TestType, 1> found_mean({rows});
  Tensor<TestType, 1> found_rstd({rows});
  const auto forward = [&](const TestType* scale, const TestType* shift) {
    layer_norm_forward<TestType>(view(x), scale, shift, TestType(1e-3), y.data(), found_mean.data(),
                                 found_rstd.data());
  };
  forward(gamma.data(), beta.data());
  test::check_close(y, affine);
  test::check_close(found_mean, mean);
  test::check_close(found_rstd, rstd);
  forward(nullptr, nullptr);
  test::check_close(y, plain);
}

TEMPLATE_TEST_CASE("layer_norm_backward_input gives what differences give, in place too", "", float,
                   double) {
  const Index cols = 6;
  const auto x = random_tensor<2, double>({2, cols}, 1);
  const auto gamma = random_tensor<1, double>({cols}, 2);
  const auto dy = random_tensor<2, double>({2, cols}, 4);
  Tensor<double, 1> mean({2});
  Tensor<double, 1> rstd({2});
  const auto weighed = [&](const Tensor<double, 2>& at) {
    Tensor<double, 2> y({2, cols});
    layer_norm_forward<double>(view(at), gamma.data(), nullptr, 1e-6, y.data(), mean.data(),
                               rstd.data());
    return (y.array() * dy.array()).sum();
  };
  Tensor<double, 2> expected({2, cols});
  for (Index i = 0; i < x.size(); ++i) {
    Tensor<double, 2> above = x;
    Tensor<double, 2> below = x;
    above.data()[i] += 1e-5;
    below.data()[i] -= 1e-5;
    expected.data()[i] = (weighed(above) - weighed(below)) / 2e-5;
  }
  weighed(x);
  const auto in = x.template cast<TestType>();
  const auto scale = gamma.template cast<TestType>();
  const auto kept_mean = mean.template cast<TestType>();
  const auto kept_rstd = rstd.template cast<TestType>();
  Tensor<TestType, 2> gradient = dy.template cast<TestType>();
  Tensor<TestType, 2> apart({2, cols});
  layer_norm_backward_input<TestType>(view(std::as_const(in)), scale.data(), kept_mean.data(),
                                      kept_rstd.data(), gradient.data(), apart.data());
  layer_norm_backward_input<TestType>(view(std::as_const(in)), scale.data(), kept_mean.data(),
                                      kept_rstd.data(), gradient.data(), gradient.data());
  CHECK(gradient == apart);
  const double allowed = std::max(1e-8, test::tolerance<TestType>);
  CHECK(test::distance(test::values_of(apart), test::values_of(expected)) <= allowed);
}

TEMPLATE_TEST_CASE("layer_norm_backward_gamma sums over rows, the same bits on all threads",
                   "[threads]", float, double) {
  const Index rows = 9;
  const Index cols = 130;
  const auto x = random_tensor<2, TestType>({rows, cols}, 1);
  const auto mean = random_tensor<1, TestType>({rows}, 2);
  const auto rstd = random_tensor<1, TestType>({rows}, 3);
  const auto dy = random_tensor<2, TestType>({rows, cols}, 4);
  Tensor<double, 1> expected({cols});
  for (Index r = 0; r < rows; ++r) {
    for (Index c = 0; c < cols; ++c) {
      expected(c) += double(dy(r, c)) * (double(x(r, c)) - mean(r)) * rstd(r);
    }
  }
  Tensor<TestType, 1> first({cols}, TestType(7));
  layer_norm_backward_gamma<TestType>(view(x), mean.data(), rstd.data(), dy.data(), first.data());
  test::check_close(first, expected);
  for (const Index threads : {2, 3, 4}) {
    const ExecutionScope scope({.threads = threads});
    Tensor<TestType, 1> again({cols});
    layer_norm_backward_gamma<TestType>(view(x), mean.data(), rstd.data(), dy.data(), again.data());
    CHECK(again == first);
  }
}

}  // namespace tessera::kernels
