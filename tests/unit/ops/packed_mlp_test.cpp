#include "tessera/ops/packed_mlp.hpp"

#include "support/catch.hpp"
#include "support/each_isa.hpp"
#include "support/random_tensor.hpp"
#include "support/throws.hpp"

namespace tessera::test {
namespace {

/// packed_mlp beside its two halves, for the scope's kernels.
template <class Scalar>
void check_halves() {
  const kernels::PackedMatrix<Scalar> w1(kernels::view(random_tensor<2, Scalar>({70, 24}, 1)));
  const kernels::PackedMatrix<Scalar> w2(kernels::view(random_tensor<2, Scalar>({33, 70}, 2)));
  const auto b1 = random_tensor<1, Scalar>({70}, 3);
  const auto b2 = random_tensor<1, Scalar>({33}, 4);
  for (const Index tokens : {0, 1, 128, 129, 400}) {
    const Var<Scalar, 3> x(random_tensor<3, Scalar>({2, tokens, 24}, 5));
    const Var<Scalar, 3> residual(random_tensor<3, Scalar>({2, tokens, 33}, 6));
    const auto hidden = packed_linear(x, w1, {.bias = b1.data(), .gelu = true}, 0, 70);
    CHECK(packed_mlp<Scalar>(x, {w1, b1.data()}, {w2, b2.data()}, &residual).value() ==
          packed_linear(hidden, w2, {.bias = b2.data(), .residual = residual.value().data()}, 0, 33)
              .value());
    const auto unbiased = packed_linear(x, w1, {.gelu = true}, 0, 70);
    CHECK(packed_mlp<Scalar>(x, {w1, nullptr}, {w2, nullptr}).value() ==
          packed_linear(unbiased, w2, {}, 0, 33).value());
    const auto tanh =
        gelu(packed_linear(x, w1, {.bias = b1.data()}, 0, 70), GeluApproximation::tanh);
    CHECK(packed_mlp<Scalar>(x, {w1, b1.data()}, {w2, b2.data()}, nullptr, GeluApproximation::tanh)
              .value() == packed_linear(tanh, w2, {.bias = b2.data()}, 0, 33).value());
  }
}

TEST_CASE("packed_mlp: the bits of two layers, on every instruction set, in every precision") {
  for (const Isa isa : every_isa()) {
    for (const MatmulPrecision precision :
         {MatmulPrecision::highest, MatmulPrecision::high, MatmulPrecision::medium}) {
      const ExecutionScope scope({.matmul_precision = precision, .isa = isa});
      check_halves<float>();
    }
  }
}

TEST_CASE("packed_mlp: the bits of two layers on any number of threads", "[threads]") {
  for (const Index threads : {1, 2, 3}) {
    const ExecutionScope scope({.threads = threads});
    check_halves<float>();
    check_halves<double>();
  }
}

TEST_CASE("packed_mlp: what does not fit is refused, and so is a tape") {
  const kernels::PackedMatrix<float> w1(kernels::view(Tensor<float, 2>({4, 3})));
  const kernels::PackedMatrix<float> w2(kernels::view(Tensor<float, 2>({5, 4})));
  const PackedLayer<float> fc1{w1, nullptr};
  const PackedLayer<float> fc2{w2, nullptr};
  const Var<float, 2> x(Tensor<float, 2>({7, 3}));
  const Var<float, 2> residual(Tensor<float, 2>({7, 3}));
  CHECK(error_of([&] { packed_mlp(Var(Tensor<float, 2>({7, 2})), fc1, fc2); }) ==
        "packed_mlp: x [7, 2] must end in the 3 inputs of the packed weight [4, 3]");
  CHECK(error_of([&] { packed_mlp(x, fc1, fc1); }) ==
        "packed_mlp: fc2 has 3 inputs, but fc1 has 4 outputs");
  CHECK(error_of([&] { packed_mlp(x, fc1, fc2, &residual); }) ==
        "packed_mlp: residual [7, 3] must have the shape of the result [7, 5]");
  Tape<float> tape;
  const Var<float, 2> taped(Tensor<float, 2>({7, 5}), &tape);
  CHECK(error_of([&] { packed_mlp(x, fc1, fc2, &taped); }) ==
        "packed_mlp: residual carries a tape");
  CHECK(error_of([&] { packed_mlp(Var(Tensor<float, 2>({7, 3}), &tape), fc1, fc2); }) ==
        "packed_mlp: x carries a tape, but a packed weight cannot be trained; train the model it "
        "was made of");
}

}  // namespace
}  // namespace tessera::test
