#include "tessera/ops/linear.hpp"

#include "support/ops.hpp"

namespace tessera::test {

namespace {

const auto with_bias = [](const auto& x, const auto& weight, const auto& bias) {
  return linear(x, weight, bias);
};
const auto without_bias = [](const auto& x, const auto& weight) { return linear(x, weight); };

}  // namespace

TEMPLATE_TEST_CASE("linear of hand computed numbers", "", float, double) {
  const Var<TestType, 2> x = Tensor<TestType, 2>({2, 2}, {1, 2, 3, 4});
  const Var<TestType, 2> weight = Tensor<TestType, 2>({3, 2}, {1, 0, 0, 1, 1, 1});
  const Var<TestType, 1> bias = Tensor<TestType, 1>({3}, {10, 20, 30});
  CHECK(linear(x, weight).value() == Tensor<TestType, 2>({2, 3}, {1, 2, 3, 3, 4, 7}));
  CHECK(linear(x, weight, bias).value() == Tensor<TestType, 2>({2, 3}, {11, 22, 33, 13, 24, 37}));
}

TEST_CASE("gradient of linear, with and without bias") {
  struct Sizes {
    Index batch, length, inputs, outputs;
  };
  // Ordinary, single, no images, no inputs, no outputs, one row, more than a tile of 256 x 384.
  for (const auto& [batch, length, inputs, outputs] :
       {Sizes{2, 3, 4, 5}, Sizes{1, 1, 1, 1}, Sizes{0, 3, 4, 5}, Sizes{2, 3, 0, 5},
        Sizes{2, 3, 4, 0}, Sizes{1, 1, 6, 3}, Sizes{2, 140, 3, 400}}) {
    INFO(batch << " " << length << " " << inputs << " " << outputs);
    const Tensor<double, 3> x = random_tensor<3>({batch, length, inputs}, 1);
    const Tensor<double, 2> weight = random_tensor<2>({outputs, inputs}, 2);
    const Tensor<double, 1> bias = random_tensor<1>({outputs}, 3);
    expect_gradient(with_bias, x, weight, bias);
    expect_gradient(without_bias, x, weight);
  }
}

TEST_CASE("a convolution kernel serves as a weight, its axes folded") {
  const Tensor<double, 2> x = random_tensor<2>({3, 12}, 1);
  const Tensor<double, 4> kernel = random_tensor<4>({5, 3, 2, 2}, 2);
  expect_gradient(without_bias, x, kernel);
  const Tensor<double, 2> folded = kernel.reshaped(Shape<2>{5, 12});
  CHECK(linear(Var<double, 2>(x), Var<double, 4>(kernel)).value() ==
        linear(Var<double, 2>(x), Var<double, 2>(folded)).value());
}

TEST_CASE("linear_outputs is a slice of linear, in value and gradients") {
  const Tensor<double, 2> x = random_tensor<2>({4, 3}, 1);
  const Tensor<double, 2> weight = random_tensor<2>({6, 3}, 2);
  const Tensor<double, 1> bias = random_tensor<1>({6}, 3);
  for (const auto& [first, count] :
       {std::pair<Index, Index>{0, 6}, {0, 2}, {2, 4}, {3, 1}, {6, 0}}) {
    INFO(first << " " << count);
    const Tensor<double, 2> weights = random_tensor<2>({4, count}, 4);
    Tensor<double, 2> padded({4, 6});
    for (Index r = 0; r < 4; ++r) std::copy_n(weights.row(r), count, padded.row(r) + first);
    Tape<double> tape;
    Tape<double> twin;
    const Var<double, 2> part = linear_outputs(tape.parameter(x), tape.parameter(weight),
                                               tape.parameter(bias), first, count);
    const Var<double, 2> whole =
        linear(twin.parameter(x), twin.parameter(weight), twin.parameter(bias));
    for (Index r = 0; r < 4; ++r) {
      for (Index c = 0; c < count; ++c) {
        CHECK(std::abs(part.value()(r, c) - whole.value()(r, first + c)) <= 1e-14);
      }
    }
    tape.backward(weighted_sum(part, weights));
    twin.backward(weighted_sum(whole, padded));
    check_close(*tape.gradient(x), *twin.gradient(x));
    check_close(*tape.gradient(weight), *twin.gradient(weight));
    check_close(*tape.gradient(bias), *twin.gradient(bias));
  }
}

TEST_CASE("gradient of linear_outputs, with and without bias") {
  const Tensor<double, 3> x = random_tensor<3>({2, 3, 4}, 1);
  const Tensor<double, 2> weight = random_tensor<2>({5, 4}, 2);
  expect_gradient(
      [](const auto& in, const auto& w, const auto& b) { return linear_outputs(in, w, b, 1, 3); },
      x, weight, random_tensor<1>({5}, 3));
  expect_gradient(
      [](const auto& in, const auto& w) { return linear_outputs(in, w, std::nullopt, 3, 2); }, x,
      weight);
}

TEMPLATE_TEST_CASE("linear has the same bits on any number of threads", "[threads]", float,
                   double) {
  expect_same_bits<TestType>(with_bias, random_tensor<3>({2, 300, 50}, 1),
                             random_tensor<2>({400, 50}, 2), random_tensor<1>({400}, 3));
}

TEST_CASE("linear and linear_outputs refuse what does not fit") {
  const Tensor<double, 3> x = random_tensor<3>({2, 3, 4}, 1);
  const Tensor<double, 2> weight = random_tensor<2>({5, 4}, 2);
  const Tensor<double, 1> bias = random_tensor<1>({5}, 3);
  expect_refused("linear: x [2, 3, 4] must end in the 3 inputs of weight [5, 3]", without_bias, x,
                 random_tensor<2>({5, 3}, 2));
  expect_refused("linear: x [2, 3, 4] must end in the 12 inputs of weight [5, 3, 2, 2]",
                 without_bias, x, random_tensor<4>({5, 3, 2, 2}, 2));
  expect_refused("linear: bias [4] must have the 5 outputs of weight [5, 4]", with_bias, x, weight,
                 random_tensor<1>({4}, 3));
  expect_refuses_two_tapes("linear", with_bias, x, weight, bias);

  const auto outputs = [](Index first, Index count) {
    return [=](const Var<double, 3>& in, const Var<double, 2>& w, const Var<double, 1>& b) {
      return linear_outputs(in, w, b, first, count);
    };
  };
  const std::string text = "linear_outputs: first = ";
  const std::string rest = " do not fit weight [5, 4]";
  expect_refused(text + "-1 and count = 3" + rest, outputs(-1, 3), x, weight, bias);
  expect_refused(text + "3 and count = 3" + rest, outputs(3, 3), x, weight, bias);
  expect_refused(text + "3 and count = -1" + rest, outputs(3, -1), x, weight, bias);
  expect_refused("linear_outputs: bias [4] must have the 5 outputs of weight [5, 4]", outputs(0, 1),
                 x, weight, random_tensor<1>({4}, 3));
  expect_refuses_two_tapes("linear_outputs", outputs(0, 2), x, weight, bias);
}

}  // namespace tessera::test
