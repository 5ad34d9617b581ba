#include "tessera/ops/tokens/resample_positions.hpp"

#include "support/ops.hpp"

namespace tessera::test {

namespace {

using kernels::Bicubic;

const auto resample = [](Index prefix, Size from, Size to, Bicubic filter) {
  return [=](const auto& positions) {
    return resample_positions(positions, prefix, from, to, filter);
  };
};

}  // namespace

TEMPLATE_TEST_CASE("a row is resampled as PyTorch does, prefix rows stay", "", float, double) {
  const Var<TestType, 3> row = Tensor<TestType, 3>({1, 5, 1}, {50, 0, 1, 7, 3});
  const auto values = [&](Index width, Bicubic filter) {
    return values_of(resample_positions(row, 1, {1, 4}, {1, width}, filter).value());
  };
  CHECK(distance(values(3, Bicubic::plain), {50, .03935, 4.46875, 3.67824}) <= 2e-7);
  CHECK(distance(values(3, Bicubic::antialias), {50, -.09611, 4.17601, 4.33181}) <= 2e-7);
}

TEST_CASE("rows and columns are resampled apart") {
  // The product of a row and a column becomes the product of the resampled ones.
  const std::vector<double> down{2, -1, 5};
  const std::vector<double> across{0, 1, 7, 3};
  Tensor<double, 3> table({1, 12, 1});
  for (std::size_t i = 0; i < 12; ++i) table.data()[i] = down[i / 4] * across[i % 4];
  for (const Bicubic filter : {Bicubic::plain, Bicubic::antialias}) {
    const Tensor<double, 3> result =
        resample_positions(Var<double, 3>(table), 0, {3, 4}, {5, 2}, filter).value();
    const auto along = [filter](const std::vector<double>& values, Index outputs) {
      std::vector<double> resampled(static_cast<std::size_t>(outputs));
      for (const kernels::Tap& tap :
           kernels::bicubic_taps(static_cast<Index>(values.size()), outputs, filter)) {
        resampled[static_cast<std::size_t>(tap.output)] +=
            tap.weight * values[static_cast<std::size_t>(tap.source)];
      }
      return resampled;
    };
    Tensor<double, 3> expected({1, 10, 1});
    for (std::size_t i = 0; i < 10; ++i) {
      expected.data()[i] = along(down, 5)[i / 2] * along(across, 2)[i % 2];
    }
    check_close(result, expected);
  }
}

TEST_CASE("a grid of the same size is left alone, one of the same count is not") {
  const Var<double, 3> table = random_tensor<3>({1, 7, 2}, 1);
  const Var<double, 3> same = resample_positions(table, 1, {2, 3}, {2, 3}, Bicubic::antialias);
  CHECK(&same.value() == &table.value());
  const Var<double, 3> turned = resample_positions(table, 1, {2, 3}, {3, 2}, Bicubic::plain);
  CHECK(turned.shape() == table.shape());
  CHECK_FALSE(turned.value() == table.value());
}

TEST_CASE("gradient of resample_positions") {
  for (const Bicubic filter : {Bicubic::plain, Bicubic::antialias}) {
    expect_gradient(resample(1, {2, 3}, {4, 5}, filter), random_tensor<3>({1, 7, 2}, 1));
    expect_gradient(resample(0, {5, 4}, {2, 6}, filter), random_tensor<3>({1, 20, 1}, 1));
    expect_gradient(resample(2, {1, 1}, {3, 2}, filter), random_tensor<3>({1, 3, 2}, 1));
  }
}

TEST_CASE("resample_positions refuses empty grids and tables of another grid") {
  const Tensor<double, 3> table = random_tensor<3>({1, 7, 2}, 1);
  const auto f = [](Index prefix, Size from, Size to) {
    return resample(prefix, from, to, Bicubic::plain);
  };
  expect_refused("resample_positions: grids 2 x 3 and 0 x 3 must not be empty",
                 f(1, {2, 3}, {0, 3}), table);
  expect_refused("resample_positions: grids -2 x -3 and 3 x 3 must not be empty",
                 f(1, {-2, -3}, {3, 3}), table);
  expect_refused(
      "resample_positions: positions [1, 7, 2] are not those of 0 prefix tokens and a grid of 2 x "
      "3",
      f(0, {2, 3}, {3, 3}), table);
  expect_refused(
      "resample_positions: positions [1, 7, 2] are not those of -1 prefix tokens and a grid of 2 x "
      "4",
      f(-1, {2, 4}, {3, 3}), table);
  expect_refused(
      "resample_positions: positions [2, 7, 2] are not those of 1 prefix tokens and a grid of 2 x "
      "3",
      f(1, {2, 3}, {3, 3}), random_tensor<3>({2, 7, 2}, 1));
}

}  // namespace tessera::test
