#include "tessera/kernels/layer_norm.hpp"

#include "support/close.hpp"
#include "support/each_isa.hpp"
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

TEMPLATE_TEST_CASE("the input's gradient is what differences give, in place too", "", float,
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
  for (Tensor<TestType, 2>* dx : {&apart, &gradient}) {
    layer_norm_backward<TestType>(view(std::as_const(in)), scale.data(), kept_mean.data(),
                                  kept_rstd.data(), gradient.data(),
                                  {dx->data(), nullptr, nullptr});
  }
  CHECK(gradient == apart);
  const double allowed = std::max(1e-8, test::tolerance<TestType>);
  CHECK(test::distance(test::values_of(apart), test::values_of(expected)) <= allowed);
}

TEMPLATE_TEST_CASE("gradients of gamma and beta are sums over rows, the same bits on all threads",
                   "[threads]", float, double) {
  const Index rows = 600;  // several cells
  const Index cols = 130;
  const auto x = random_tensor<2, TestType>({rows, cols}, 1);
  const auto mean = random_tensor<1, TestType>({rows}, 2);
  const auto rstd = random_tensor<1, TestType>({rows}, 3);
  const auto dy = random_tensor<2, TestType>({rows, cols}, 4);
  Tensor<double, 1> gamma({cols});
  Tensor<double, 1> beta({cols});
  for (Index r = 0; r < rows; ++r) {
    for (Index c = 0; c < cols; ++c) {
      gamma(c) += double(dy(r, c)) * (double(x(r, c)) - mean(r)) * rstd(r);
      beta(c) += double(dy(r, c));
    }
  }
  struct Found {
    Tensor<TestType, 2> x = Tensor<TestType, 2>(Shape<2>{rows, cols});
    Tensor<TestType, 1> gamma = Tensor<TestType, 1>(Shape<1>{cols}, TestType(7));
    Tensor<TestType, 1> beta = Tensor<TestType, 1>(Shape<1>{cols}, TestType(7));
  };
  Found first;
  const auto run = [&](Found& into, bool with_x) {
    layer_norm_backward<TestType>(
        view(x), nullptr, mean.data(), rstd.data(), dy.data(),
        {with_x ? into.x.data() : nullptr, into.gamma.data(), into.beta.data()});
  };
  run(first, true);
  test::check_close(first.gamma, gamma);
  test::check_close(first.beta, beta);
  for (const Index threads : {2, 3, 4}) {
    const ExecutionScope scope({.threads = threads});
    Found again;
    run(again, true);
    CHECK(again.x == first.x);
    CHECK(again.gamma == first.gamma);
    CHECK(again.beta == first.beta);
  }
  Found without_x;
  run(without_x, false);
  CHECK(without_x.gamma == first.gamma);
  CHECK(without_x.x == Tensor<TestType, 2>({rows, cols}));
}

TEST_CASE("layer_norm in float is good to 1e-6 on every instruction set, at every length") {
  for (const Isa isa : test::every_isa()) {
    const ExecutionScope scope({.isa = isa});
    for (const Index cols : {1, 5, 16, 33, 768}) {
      const auto x = random_tensor<2, float>({3, cols}, 1);
      const auto gamma = random_tensor<1, float>({cols}, 2);
      const auto beta = random_tensor<1, float>({cols}, 3);
      const auto dy = random_tensor<2, float>({3, cols}, 4);
      const auto both = [&]<class Scalar>(Scalar eps) {
        const Tensor<Scalar, 2> in = x.template cast<Scalar>();
        const Tensor<Scalar, 1> scale = gamma.template cast<Scalar>();
        const Tensor<Scalar, 1> shift = beta.template cast<Scalar>();
        const Tensor<Scalar, 2> upstream = dy.template cast<Scalar>();
        Tensor<Scalar, 2> y({3, cols});
        Tensor<Scalar, 2> dx({3, cols});
        Tensor<Scalar, 1> mean({3});
        Tensor<Scalar, 1> rstd({3});
        Tensor<Scalar, 1> dgamma({cols});
        Tensor<Scalar, 1> dbeta({cols});
        layer_norm_forward<Scalar>(view(in), scale.data(), shift.data(), eps, y.data(), mean.data(),
                                   rstd.data());
        layer_norm_backward<Scalar>(view(in), scale.data(), mean.data(), rstd.data(),
                                    upstream.data(), {dx.data(), dgamma.data(), dbeta.data()});
        return std::vector<test::Values>{test::values_of(y),      test::values_of(mean),
                                         test::values_of(rstd),   test::values_of(dx),
                                         test::values_of(dgamma), test::values_of(dbeta)};
      };
      const auto found = both(1e-3F);
      const auto expected = both(double(1e-3F));
      for (std::size_t i = 0; i < found.size(); ++i) {
        INFO(cols << " columns, result " << i);
        CHECK(test::distance(found[i], expected[i]) <= 1e-6);
      }
    }
  }
}

TEST_CASE("gradients of gamma and beta over many rows keep the bound of their sums") {
  const Index rows = 60000;
  const Index cols = 2;
  const Tensor<float, 2> x({rows, cols}, 3.0F);
  const Tensor<float, 1> mean({rows}, 2.0F);
  const Tensor<float, 1> rstd({rows}, 1.0F);
  const Tensor<float, 2> dy({rows, cols}, 0.1F);
  Tensor<float, 1> dgamma({cols});
  Tensor<float, 1> dbeta({cols});
  layer_norm_backward<float>(view(x), nullptr, mean.data(), rstd.data(), dy.data(),
                             {nullptr, dgamma.data(), dbeta.data()});
  const double exact = static_cast<double>(rows) * static_cast<double>(0.1F);
  // 64 rows in order, 32 cells in order and log2(60000 / 64 / 32) levels: 101 roundings.
  CHECK(std::abs(static_cast<double>(dgamma(1)) / exact - 1) <= 101 * 0x1p-24);
  CHECK(std::abs(static_cast<double>(dbeta(1)) / exact - 1) <= 101 * 0x1p-24);
}

TEST_CASE("mean and variance of a long row keep the bound of their sums") {
  const Index cols = 40000;
  Tensor<float, 2> x({1, cols}, 0.1F);
  for (Index c = 0; c < cols; c += 2) x(0, c) = 0.3F;
  Tensor<float, 2> y({1, cols});
  float mean = 0;
  float rstd = 0;
  layer_norm_forward<float>(view(std::as_const(x)), nullptr, nullptr, 0.0F, y.data(), &mean, &rstd);
  const double low = static_cast<double>(0.1F);
  const double high = static_cast<double>(0.3F);
  // The narrowest vectors make 8 sums of 5000 numbers each.
  CHECK(std::abs(static_cast<double>(mean) / ((low + high) / 2) - 1) <= 5000 * 0x1p-24);
  CHECK(std::abs(static_cast<double>(rstd) * (high - low) / 2 - 1) <= 5000 * 0x1p-24);
}

}  // namespace tessera::kernels
