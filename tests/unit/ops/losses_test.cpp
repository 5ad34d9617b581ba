#include "tessera/ops/losses.hpp"

#include <limits>

#include "support/masked_mse_loss.hpp"
#include "support/ops.hpp"
#include "tessera/ops/tokens/get_at_index.hpp"

namespace tessera::test {

namespace {

const auto mse = [](const auto& p, const auto& t) { return mse_loss(p, t); };
const auto smooth = [](float beta) {
  return [beta](const auto& p, const auto& t) { return smooth_l1_loss(p, t, beta); };
};
const auto masked = [](const Tensor<double, 3>& target, const TokenMask& mask) {
  return [=](const auto& p) {
    using Scalar = typename std::remove_cvref_t<decltype(p)>::scalar_type;
    return masked_mse_loss(p, target.cast<Scalar>(), mask);
  };
};

}  // namespace

TEMPLATE_TEST_CASE("losses of hand computed numbers", "", float, double) {
  const Var<TestType, 1> zero = Tensor<TestType, 1>({2});
  const Var<TestType, 1> p = Tensor<TestType, 1>({2}, {0.5, -2});
  CHECK(mse_loss(p, zero).value().item() == TestType(2.125));
  CHECK(smooth_l1_loss(p, zero).value().item() == TestType(0.8125));
  CHECK(smooth_l1_loss(zero, p).value().item() == TestType(0.8125));
  CHECK(smooth_l1_loss(p, zero, 4).value().item() == TestType(0.265625));
  CHECK(smooth_l1_loss(p, zero, TestType(0.5)).value().item() == TestType(1));

  // Tokens 1 and 2 are masked: errors 1 1 and 2 0.
  const Var<TestType, 3> prediction = Tensor<TestType, 3>({1, 3, 2}, {9, 9, 1, 1, 2, 5});
  const Tensor<TestType, 3> target({1, 3, 2}, {0, 0, 0, 2, 0, 5});
  CHECK(
      masked_mse_loss(prediction, target, TokenMask({1, 3}, {false, true, true})).value().item() ==
      TestType(1.5));
}

TEST_CASE("the slope of smooth_l1_loss is the error up to beta, then its sign") {
  Tape<double> tape;
  const Var<double, 1> p = tape.variable(Tensor<double, 1>({4}, {0.5, -1.5, 3, -7}));
  tape.backward(smooth_l1_loss(p, Var<double, 1>(Tensor<double, 1>({4})), 2));
  CHECK(*tape.gradient(p) == Tensor<double, 1>({4}, {0.0625, -0.1875, 0.25, -0.25}));
}

TEST_CASE("gradient of mse_loss and smooth_l1_loss wrt prediction and target") {
  for (const Shape<2>& shape : {Shape<2>{1, 1}, Shape<2>{4, 5}}) {
    const Tensor<double, 2> prediction = random_tensor<2>(shape, 1);
    const Tensor<double, 2> target = random_tensor<2>(shape, 2);
    expect_gradient(mse, prediction, target);
    expect_gradient(smooth(1), prediction, target);
    expect_gradient(smooth(0.25F), prediction, target);
  }
}

TEMPLATE_TEST_CASE("l1_loss, with gradients, as torch computed it", "", float, double) {
  // torch.nn.functional.l1_loss in double, 1.5 times it going backward: tests/reference/ops.py.
  Tape<TestType> tape;
  const auto p = tape.variable(Tensor<TestType, 1>({6}, {-2, 0.5, 1.5, 3, -1, 2}));
  const Var<TestType, 1> target = Tensor<TestType, 1>({6}, {1, 0.5, 1.25, -3, -1.5, 2.25});
  const auto loss = l1_loss(p, target);
  check_close(loss.value(), Tensor<double, 0>({}, 1.6666666666666667));
  tape.backward(weighted_sum(loss, Tensor<TestType, 0>({}, TestType(1.5))));
  check_close(*tape.gradient(p), Tensor<double, 1>({6}, {-0.25, 0, 0.25, 0.25, 0.25, -0.25}));
}

TEST_CASE("gradient of l1_loss wrt prediction and target") {
  const auto l1 = [](const auto& p, const auto& t) { return l1_loss(p, t); };
  for (const Shape<2>& shape : {Shape<2>{1, 1}, Shape<2>{4, 5}}) {
    const Tensor<double, 2> prediction = random_tensor<2>(shape, 1);
    Tensor<double, 2> target = random_tensor<2>(shape, 2);
    for (Index i = 0; i < target.size(); ++i) {  // away from the kink, on either side of it
      const double distance = 0.1 + std::abs(target.data()[i]);
      target.data()[i] = prediction.data()[i] + (i % 2 == 0 ? distance : -distance);
    }
    expect_gradient(l1, prediction, target);
  }
  const Tensor<double, 2> two = random_tensor<2>({2, 3}, 1);
  const Tensor<double, 2> none({0, 3});
  expect_refused("l1_loss: prediction [2, 3] and target [3, 2] must have the same shape", l1, two,
                 random_tensor<2>({3, 2}, 1));
  expect_refused("l1_loss: prediction [0, 3] is empty: its mean does not exist", l1, none, none);
  expect_refuses_two_tapes("l1_loss", l1, two, two);
}

TEST_CASE("gradient of masked_mse_loss") {
  const Tensor<double, 3> prediction = random_tensor<3>({2, 3, 4}, 1);
  const Tensor<double, 3> target = random_tensor<3>({2, 3, 4}, 2);
  for (const TokenMask& mask :
       {TokenMask({2, 3}, true), TokenMask({2, 3}, {false, false, false, false, true, false}),
        TokenMask({2, 3}, {true, false, true, false, true, true})}) {
    expect_gradient(masked(target, mask), prediction);
  }
}

TEST_CASE("masked_mse_loss is mse_loss of the gathered tokens") {
  const Tensor<double, 3> target = random_tensor<3>({2, 4, 3}, 2);
  const TokenIndex idx({2, 2}, {0, 3, 1, 2});
  const TokenMask mask({2, 4}, {true, false, false, true, false, true, true, false});
  const auto composed = [&](const auto& p) {
    using Scalar = typename std::remove_cvref_t<decltype(p)>::scalar_type;
    return mse_loss(get_at_index(p, idx), get_at_index(Var<Scalar, 3>(target.cast<Scalar>()), idx));
  };
  expect_twins(masked(target, mask), composed, random_tensor<3>({2, 4, 3}, 1));
}

TEMPLATE_TEST_CASE("losses have the same bits on any number of threads", "[threads]", float,
                   double) {
  const Tensor<double, 3> p = random_tensor<3>({3, 200, 150}, 1);
  const Tensor<double, 3> t = random_tensor<3>({3, 200, 150}, 2);
  TokenMask mask({3, 200});
  for (Index i = 0; i < 600; ++i) mask.data()[i] = i % 3 != 0;
  expect_same_bits<TestType>(mse, p, t);
  expect_same_bits<TestType>(smooth(1), p, t);
  expect_same_bits<TestType>(masked(t, mask), p);
}

TEST_CASE("losses refuse what does not fit, is empty, or has a bad beta") {
  const Tensor<double, 2> two = random_tensor<2>({2, 3}, 1);
  const Tensor<double, 2> three = random_tensor<2>({3, 2}, 1);
  const Tensor<double, 2> none({0, 3});
  expect_refused("mse_loss: prediction [2, 3] and target [3, 2] must have the same shape", mse, two,
                 three);
  expect_refused("mse_loss: prediction [0, 3] is empty: its mean does not exist", mse, none, none);
  expect_refused("smooth_l1_loss: prediction [2, 3] and target [3, 2] must have the same shape",
                 smooth(1), two, three);
  expect_refused("smooth_l1_loss: prediction [0, 3] is empty: its mean does not exist", smooth(1),
                 none, none);
  expect_refused("smooth_l1_loss: beta = 0 must be finite and positive", smooth(0), two, two);
  expect_refused("smooth_l1_loss: beta = -1 must be finite and positive", smooth(-1), two, two);
  expect_refused("smooth_l1_loss: beta = nan must be finite and positive",
                 smooth(std::numeric_limits<float>::quiet_NaN()), two, two);
  expect_refused("smooth_l1_loss: beta = inf must be finite and positive",
                 smooth(std::numeric_limits<float>::infinity()), two, two);
  expect_refuses_two_tapes("mse_loss", mse, two, two);
  expect_refuses_two_tapes("smooth_l1_loss", smooth(1), two, two);
}

TEST_CASE("masked_mse_loss refuses what does not fit or masks nothing") {
  const Tensor<double, 3> p = random_tensor<3>({2, 3, 4}, 1);
  expect_refused(
      "masked_mse_loss: prediction [2, 3, 4] and target [2, 3, 5] must have the same shape",
      masked(random_tensor<3>({2, 3, 5}, 2), TokenMask({2, 3}, true)), p);
  expect_refused(
      "masked_mse_loss: mask [3, 2] must have one entry per token of prediction [2, 3, 4]",
      masked(p, TokenMask({3, 2}, true)), p);
  expect_refused(
      "masked_mse_loss: mask [2, 3] masks no token: the mean over masked tokens does not exist",
      masked(p, TokenMask({2, 3})), p);
  const Tensor<double, 3> nothing({2, 3, 0});
  expect_refused("masked_mse_loss: prediction [2, 3, 0] is empty: its mean does not exist",
                 masked(nothing, TokenMask({2, 3}, true)), nothing);
}

TEST_CASE("mean losses of a million values are good to one unit in the last place") {
  const Index count = 1200000;
  const auto prediction = random_tensor<1, float>({count}, 1);
  const auto target = random_tensor<1, float>({count}, 2);
  double squares = 0;
  double smooths = 0;
  for (Index i = 0; i < count; ++i) {
    const float e = prediction(i) - target(i);
    squares += static_cast<double>(e * e) / static_cast<double>(count);
    const float size = std::abs(e);
    smooths += static_cast<double>(size < 1 ? e * e / 2 : size - 0.5F) / static_cast<double>(count);
  }
  const Var<float, 1> p = prediction;
  const Var<float, 1> t = target;
  CHECK(std::abs(static_cast<double>(mse_loss(p, t).value().item()) / squares - 1) <= 0x1p-24);
  CHECK(std::abs(static_cast<double>(smooth_l1_loss(p, t).value().item()) / smooths - 1) <=
        0x1p-24);
}

}  // namespace tessera::test
