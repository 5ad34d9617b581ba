#include "tessera/kernels/ema.hpp"

#include "support/close.hpp"
#include "support/each_isa.hpp"
#include "support/random_tensor.hpp"

namespace tessera::kernels {

TEST_CASE("a moving average in float is good to 1e-6 on every instruction set, its ends exact") {
  const auto source = test::random_tensor<1, float>({41}, 1);
  const auto before = test::random_tensor<1, float>({41}, 2);
  for (const Isa isa : test::every_isa()) {
    const ExecutionScope scope({.isa = isa});
    for (const double momentum : {0.0, 0.25, 0.996, 1.0}) {
      Tensor<float, 1> average = before;
      ema_update(momentum, source.data(), average.data(), 40);
      Tensor<double, 1> expected = before.cast<double>();
      for (Index i = 0; i < 40; ++i) {
        expected(i) = momentum * before(i) + (1 - momentum) * source(i);
      }
      CHECK(test::distance(test::values_of(average), test::values_of(expected)) <= 1e-6);
      if (momentum == 0.0) CHECK(average(39) == source(39));
      if (momentum == 1.0) CHECK(average == before);
    }
    Tensor<float, 1> same = source;
    ema_update(0.3, source.data(), same.data(), 41);
    CHECK(same == source);
  }
}

}  // namespace tessera::kernels
