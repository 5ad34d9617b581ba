#include "tessera/ops/normalize.hpp"

#include "support/ops.hpp"

namespace tessera::test {

TEMPLATE_TEST_CASE("normalize, with gradients, as torch computed it", "", float, double) {
  // torch.nn.functional.normalize in double: tests/reference/ops.py.
  Tape<TestType> tape;
  const auto x = tape.variable(Tensor<TestType, 2>({2, 3}, {-2, 0.5, 1.5, 3, -1, 2}));
  const auto y = normalize(x);
  const Tensor<double, 2> expected(
      {2, 3}, {-0.7844645405527362, 0.19611613513818404, 0.5883484054145521, 0.8017837257372732,
               -0.2672612419124244, 0.5345224838248488});
  check_close(y.value(), expected);
  tape.backward(weighted_sum(y, Tensor<TestType, 2>({2, 3}, {1, -2, 0.5, -1, 0.25, 2})));
  const Tensor<double, 2> gradient(
      {2, 3}, {0.12068685239272864, -0.7165781860818263, 0.3997751985509136, -0.31021394150549264,
               0.08113287700912884, 0.5058873507628033});
  check_close(*tape.gradient(x), gradient);
}

TEMPLATE_TEST_CASE("normalize divides rows shorter than eps by eps", "", float, double) {
  Tape<TestType> tape;
  const auto x = tape.variable(Tensor<TestType, 2>({2, 2}, {3, -1, 0, 0}));
  const auto y = normalize(x, 10);
  check_close(y.value(), Tensor<double, 2>({2, 2}, {0.3, -0.1, 0, 0}));
  tape.backward(weighted_sum(y, Tensor<TestType, 2>({2, 2}, {-1, 0.25, 5, 6})));
  check_close(*tape.gradient(x), Tensor<double, 2>({2, 2}, {-0.1, 0.025, 0.5, 0.6}));
  CHECK(normalize(Var(Tensor<TestType, 1>({3}))).value() == Tensor<TestType, 1>({3}));
}

TEST_CASE("normalize of floats whose squares are none") {
  const Tensor<float, 2> x({2, 2}, {3e30F, 4e30F, 3e-30F, 4e-30F});
  check_close(normalize(Var(x), 1e-38F).value(), Tensor<double, 2>({2, 2}, {0.6, 0.8, 0.6, 0.8}));
}

TEST_CASE("gradient of normalize") {
  const auto f = [](const auto& x) { return normalize(x); };
  for (const Shape<3>& shape :
       {Shape<3>{0, 2, 3}, Shape<3>{2, 2, 0}, Shape<3>{1, 1, 2}, Shape<3>{2, 3, 5}}) {
    expect_gradient(f, random_tensor<3>(shape, 1));
  }
  expect_gradient([](const auto& x) { return normalize(x, 100); }, random_tensor<2>({3, 4}, 1));
}

TEST_CASE("normalize has the same bits on any number of threads", "[threads]") {
  expect_same_bits<float>([](const auto& x) { return normalize(x); },
                          random_tensor<2>({700, 111}, 1));
}

TEST_CASE("normalize refuses an eps that is not positive") {
  const auto with = [](double eps) {
    return [eps](const Var<double, 2>& x) { return normalize(x, eps); };
  };
  const Tensor<double, 2> x = random_tensor<2>({2, 3}, 1);
  expect_refused("normalize: eps = 0 must be finite and positive", with(0), x);
  expect_refused("normalize: eps = -1 must be finite and positive", with(-1), x);
  expect_refused("normalize: eps = nan must be finite and positive", with(std::nan("")), x);
}

}  // namespace tessera::test
