#include "tessera/ops/tokens/repeat_interleave_batch.hpp"

#include "support/ops.hpp"

namespace tessera::test {

namespace {

const auto repeat = [](Index batch, Index times) {
  return [=](const auto& x) { return repeat_interleave_batch(x, batch, times); };
};

}  // namespace

TEMPLATE_TEST_CASE("each chunk of images is emitted several times in a row", "", float, double) {
  const Var<TestType, 3> x = Tensor<TestType, 3>({6, 1, 1}, {0, 1, 2, 3, 4, 5});
  CHECK(repeat_interleave_batch(x, 2, 2).value() ==
        Tensor<TestType, 3>({12, 1, 1}, {0, 1, 0, 1, 2, 3, 2, 3, 4, 5, 4, 5}));
  CHECK(repeat_interleave_batch(x, 6, 1).value() == x.value());
  CHECK(repeat_interleave_batch(x, 1, 0).value() == Tensor<TestType, 3>({0, 1, 1}));
}

TEST_CASE("gradient of repeat_interleave_batch") {
  expect_gradient(repeat(2, 3), random_tensor<3>({4, 2, 3}, 1));
  expect_gradient(repeat(4, 1), random_tensor<3>({4, 2, 3}, 1));
  expect_gradient(repeat(2, 0), random_tensor<3>({4, 2, 3}, 1));
  expect_gradient(repeat(2, 3), Tensor<double, 3>({0, 2, 3}));
}

TEST_CASE("repeat_interleave_batch refuses leftovers and negative counts") {
  const Tensor<double, 3> x = random_tensor<3>({7, 2, 3}, 1);
  expect_refused("repeat_interleave_batch: x [7, 2, 3] is not made of chunks of batch = 2",
                 repeat(2, 2), x);
  expect_refused("repeat_interleave_batch: x [7, 2, 3] is not made of chunks of batch = 0",
                 repeat(0, 2), x);
  expect_refused("repeat_interleave_batch: repeat = -1 is negative", repeat(7, -1), x);
}

}  // namespace tessera::test
