#include "tessera/ops/swiglu.hpp"

#include "support/ops.hpp"

namespace tessera::test {

namespace {

/// One output at a time, from the formula.
double swiglu_of(double gate, double value) { return gate / (1 + std::exp(-gate)) * value; }

}  // namespace

TEMPLATE_TEST_CASE("swiglu gates the second half by the first", "", float, double) {
  const auto x = random_tensor<3, TestType>({2, 3, 8}, 1);
  const auto y = swiglu(Var(x)).value();
  CHECK(y.shape() == Shape<3>{2, 3, 4});
  Tensor<double, 3> expected(y.shape());
  for (Index r = 0; r < 6; ++r) {
    for (Index c = 0; c < 4; ++c) {
      expected.row(r)[c] = swiglu_of(double(x.row(r)[c]), double(x.row(r)[4 + c]));
    }
  }
  CHECK(distance(values_of(y), values_of(expected)) <= tolerance<TestType>);
}

TEMPLATE_TEST_CASE("swiglu of values torch computed", "", float, double) {
  // torch.nn.functional.silu(gate) * value, in double.
  const Tensor<TestType, 2> x({1, 6}, {-2, 0.5, 30, 3, -1, 2});
  const Tensor<double, 2> expected({1, 3},
                                   {-0.7152175321327052, -0.3112296656009273, 59.999999999994394});
  CHECK(distance(values_of(swiglu(Var(x)).value()), values_of(expected)) <= tolerance<TestType>);
}

TEST_CASE("swiglu stays finite where exp does not") {
  const Tensor<float, 2> x({1, 4}, {-200, 200, 1, 1});
  CHECK(swiglu(Var(x)).value() == Tensor<float, 2>({1, 2}, {0, 200}));
  Tape<float> tape;
  const auto in = tape.variable(x);
  tape.backward(weighted_sum(swiglu(in), Tensor<float, 2>({1, 2}, {1, 1})));
  CHECK(*tape.gradient(in) == Tensor<float, 2>({1, 4}, {0, 1, 0, 200}));
}

TEST_CASE("gradient of swiglu") {
  const auto f = [](const auto& x) { return swiglu(x); };
  for (const Shape<3>& shape : {Shape<3>{0, 2, 4}, Shape<3>{1, 1, 2}, Shape<3>{2, 3, 10}}) {
    expect_gradient(f, random_tensor<3>(shape, 1));
  }
}

TEST_CASE("swiglu has the same bits on any number of threads", "[threads]") {
  expect_same_bits<float>([](const auto& x) { return swiglu(x); }, random_tensor<2>({500, 260}, 1));
}

TEST_CASE("swiglu refuses an odd width") {
  expect_refused(
      "swiglu: the last axis of x [2, 3] cannot be halved", [](const auto& x) { return swiglu(x); },
      random_tensor<2>({2, 3}, 1));
}

}  // namespace tessera::test
