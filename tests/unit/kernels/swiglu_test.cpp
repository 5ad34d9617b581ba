#include "tessera/kernels/swiglu.hpp"

#include <vector>

#include "support/close.hpp"
#include "support/each_isa.hpp"
#include "support/random_tensor.hpp"

namespace tessera::kernels {

TEST_CASE(
    "a gated unit in float is that in double to 1e-6, far out as well, on every instruction set") {
  constexpr Index count = 203;
  const auto value = test::random_tensor<1, float>({count}, 1);
  const auto dy = test::random_tensor<1, float>({count}, 2);
  Tensor<float, 1> gate({count});
  for (Index i = 0; i < count; ++i) gate(i) = static_cast<float>(i - 101);  // e^101 is no float
  Tensor<double, 1> y({count}), dgate({count}), dvalue({count});
  const auto wide = [](const Tensor<float, 1>& x) { return x.cast<double>(); };
  swiglu_forward(wide(gate).data(), wide(value).data(), y.data(), count);
  swiglu_backward(wide(gate).data(), wide(value).data(), wide(dy).data(), dgate.data(),
                  dvalue.data(), count);
  for (const Isa isa : test::every_isa()) {
    const ExecutionScope scope({.isa = isa});
    Tensor<float, 1> y32({count}), dgate32({count}), dvalue32({count});
    swiglu_forward(gate.data(), value.data(), y32.data(), count);
    swiglu_backward(gate.data(), value.data(), dy.data(), dgate32.data(), dvalue32.data(), count);
    for (Index i = 0; i < count; ++i) {
      INFO("gate " << gate(i));
      CHECK(std::abs(y32(i) - y(i)) <= 1e-6 * std::abs(y(i)) + 1e-30);
      CHECK(std::abs(dvalue32(i) - dvalue(i)) <= 1e-6 * std::abs(dvalue(i)) + 1e-30);
      CHECK(std::abs(dgate32(i) - dgate(i)) <= 1e-5 * std::abs(dgate(i)) + 1e-30);
    }
  }
}

}  // namespace tessera::kernels
