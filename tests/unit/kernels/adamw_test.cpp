#include "tessera/kernels/adamw.hpp"

#include "support/close.hpp"
#include "support/each_isa.hpp"
#include "support/random_tensor.hpp"

namespace tessera::kernels {

namespace {

struct Values {
  Tensor<float, 1> gradient = test::random_tensor<1, float>({37}, 1);
  Tensor<float, 1> value = test::random_tensor<1, float>({37}, 2);
  Tensor<float, 1> first = test::random_tensor<1, float>({37}, 3);
  Tensor<float, 1> second = test::random_tensor<1, float>({37}, 4);
};

}  // namespace

TEST_CASE("a step of AdamW in float is good to 1e-6 on every instruction set") {
  Values before;
  for (float& value : before.second) value *= value;
  before.gradient(0) = before.second(0) = before.first(0) = 0;  // never had a gradient
  const AdamWFactors<float> factors{.beta1 = 0.75F,
                                    .one_minus_beta1 = 0.25F,
                                    .beta2 = 0.875F,
                                    .one_minus_beta2 = 0.125F,
                                    .decay = 0.96875F,
                                    .step_size = 0.0625F,
                                    .inv_root = 1.5F,
                                    .eps = 0.0009765625F};
  for (const Isa isa : test::every_isa()) {
    const ExecutionScope scope({.isa = isa});
    for (const Index count : {5, 37}) {
      Values found = before;
      adamw_update(factors, found.gradient.data(), found.value.data(), found.first.data(),
                   found.second.data(), count);
      Values expected = before;
      for (Index i = 0; i < count; ++i) {
        const double g = before.gradient(i);
        const double first = 0.75 * before.first(i) + 0.25 * g;
        const double second = 0.875 * before.second(i) + 0.125 * g * g;
        const double value =
            0.96875 * before.value(i) - 0.0625 * first / (std::sqrt(second) * 1.5 + 0.0009765625);
        expected.first(i) = static_cast<float>(first);
        expected.second(i) = static_cast<float>(second);
        expected.value(i) = static_cast<float>(value);
      }
      const auto apart = [](const Tensor<float, 1>& a, const Tensor<float, 1>& b) {
        return test::distance(test::values_of(a), test::values_of(b));
      };
      CHECK(apart(found.value, expected.value) <= 1e-6);
      CHECK(apart(found.first, expected.first) <= 1e-6);
      CHECK(apart(found.second, expected.second) <= 1e-6);
      CHECK(found.value(0) == 0.96875F * before.value(0));
    }
  }
}

}  // namespace tessera::kernels
