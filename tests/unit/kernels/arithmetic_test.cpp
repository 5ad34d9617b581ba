#include "tessera/kernels/arithmetic.hpp"

#include "support/close.hpp"
#include "support/each_isa.hpp"
#include "support/random_tensor.hpp"

namespace tessera::kernels {

TEST_CASE(
    "sums, products and scaled rows in float are exact, in place too, and end where they end") {
  const auto a = test::random_tensor<1, float>({41}, 1);
  const auto b = test::random_tensor<1, float>({41}, 2);
  for (const Isa isa : test::every_isa()) {
    const ExecutionScope scope({.isa = isa});
    for (const Index count : {0, 3, 16, 40}) {
      Tensor<float, 1> sum = a, product = a, scaled = a, expected_sum = a, expected_product = a,
                       expected_scaled = a;
      for (Index i = 0; i < count; ++i) {
        expected_sum(i) = a(i) + b(i);
        expected_product(i) = a(i) * b(i);
        expected_scaled(i) = a(i) * -0.75F;
      }
      add<float>(sum.data(), b.data(), sum.data(), count);
      multiply<float>(product.data(), b.data(), product.data(), count);
      scale(-0.75F, scaled.data(), count);
      CHECK(sum == expected_sum);
      CHECK(product == expected_product);
      CHECK(scaled == expected_scaled);
    }
  }
}

TEST_CASE("a dot product in float is good to 1e-6 of its terms on every instruction set") {
  const auto a = test::random_tensor<1, float>({70}, 1);
  const auto b = test::random_tensor<1, float>({70}, 2);
  for (const Isa isa : test::every_isa()) {
    const ExecutionScope scope({.isa = isa});
    for (const Index count : {0, 5, 32, 69}) {
      double expected = 0, terms = 0;
      for (Index i = 0; i < count; ++i) {
        const double term = static_cast<double>(a(i)) * static_cast<double>(b(i));
        expected += term;
        terms += std::abs(term);
      }
      const auto found = static_cast<double>(dot(a.data(), b.data(), count));
      CHECK(std::abs(found - expected) <= 1e-6 * terms);
    }
  }
}

TEST_CASE("other scalars have the same functions") {
  Tensor<double, 1> a({2}, {1, 2});
  const Tensor<double, 1> b({2}, {3, 5});
  CHECK(dot(std::as_const(a).data(), b.data(), 2) == 13);
  add<double>(a.data(), b.data(), a.data(), 2);
  CHECK(a == Tensor<double, 1>({2}, {4, 7}));
  multiply<double>(a.data(), b.data(), a.data(), 2);
  CHECK(a == Tensor<double, 1>({2}, {12, 35}));
  scale(0.5, a.data(), 1);
  CHECK(a == Tensor<double, 1>({2}, {6, 35}));
}

}  // namespace tessera::kernels
