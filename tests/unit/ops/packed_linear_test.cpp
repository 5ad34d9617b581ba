#include "tessera/ops/packed_linear.hpp"

#include "support/catch.hpp"
#include "support/random_tensor.hpp"
#include "support/throws.hpp"
#include "tessera/ops/linear.hpp"

namespace tessera::test {
namespace {

TEMPLATE_TEST_CASE("packed_linear: the bits of every form of linear", "", float, double) {
  const Var<TestType, 3> x(random_tensor<3, TestType>({2, 5, 24}, 1));
  const Var<TestType, 2> weight(random_tensor<2, TestType>({40, 24}, 2));
  const Var<TestType, 1> bias(random_tensor<1, TestType>({40}, 3));
  const Var<TestType, 3> residual(random_tensor<3, TestType>({2, 5, 40}, 4));
  const kernels::PackedMatrix<TestType> packed(kernels::view(weight.value()));
  const TestType* b = bias.value().data();
  CHECK(packed_linear(x, packed, {}, 0, 40).value() == linear(x, weight).value());
  CHECK(packed_linear(x, packed, {.bias = b}, 0, 40).value() == linear(x, weight, bias).value());
  CHECK(packed_linear(x, packed, {.bias = b, .gelu = true}, 0, 40).value() ==
        linear_gelu(x, weight, bias).value());
  CHECK(packed_linear(x, packed, {.bias = b, .residual = residual.value().data()}, 0, 40).value() ==
        linear_residual(x, weight, bias, residual).value());
  CHECK(packed_linear(x, packed, {.bias = b + 11}, 11, 23).value() ==
        linear_outputs(x, weight, bias, 11, 23).value());
}

TEST_CASE("packed_linear: what does not fit is refused, and so is a tape") {
  const kernels::PackedMatrix<float> packed(kernels::view(Tensor<float, 2>({4, 3})));
  const Var<float, 2> x(Tensor<float, 2>({5, 3}));
  CHECK(error_of([&] { packed_linear(Var(Tensor<float, 2>({5, 2})), packed, {}, 0, 4); }) ==
        "packed_linear: x [5, 2] must end in the 3 inputs of the packed weight [4, 3]");
  CHECK(error_of([&] { packed_linear(x, packed, {}, 2, 3); }) ==
        "packed_linear: first = 2 and count = 3 do not fit the packed weight [4, 3]");
  CHECK(error_of([&] { packed_linear(x, packed, {}, -1, 3); }) ==
        "packed_linear: first = -1 and count = 3 do not fit the packed weight [4, 3]");
  Tape<float> tape;
  CHECK(error_of([&] { packed_linear(Var(Tensor<float, 2>({5, 3}), &tape), packed, {}, 0, 4); }) ==
        "packed_linear: x carries a tape, but a packed weight cannot be trained; train the model "
        "it was made of");
}

}  // namespace
}  // namespace tessera::test
