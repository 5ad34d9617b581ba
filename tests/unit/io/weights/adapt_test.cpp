#include "tessera/io/weights/adapt.hpp"

#include "support/catch.hpp"
#include "support/io/files.hpp"
#include "support/random_tensor.hpp"

namespace tessera::io::test {

using kernels::Bicubic;
using tessera::test::random_tensor;

TEST_CASE("adapt_positions: prefix rows stay, missing ones are zero, extra ones go") {
  const Tensor<double, 3> table({1, 5, 2}, {1, 2, 10, 11, 20, 21, 30, 31, 40, 41});
  const auto adapted = [&](Index from, Index to) {
    return adapt_positions(table, {from, {5 - from, 1}}, {to, {5 - from, 1}}, Bicubic::plain);
  };
  CHECK(adapted(1, 1) == table);
  CHECK(adapted(1, 0) == Tensor<double, 3>({1, 4, 2}, {10, 11, 20, 21, 30, 31, 40, 41}));
  CHECK(adapted(1, 3) ==
        Tensor<double, 3>({1, 7, 2}, {1, 2, 0, 0, 0, 0, 10, 11, 20, 21, 30, 31, 40, 41}));
  CHECK(adapted(0, 1) ==
        Tensor<double, 3>({1, 6, 2}, {0, 0, 1, 2, 10, 11, 20, 21, 30, 31, 40, 41}));
}

TEST_CASE("adapt_positions: patches are resampled with either kernel") {
  // One row of four patches to six, and to three; from torch.nn.functional.interpolate.
  const Tensor<double, 3> table({1, 5, 1}, {9, 0, 1, 7, 3});
  const auto adapted = [&](Index to, Bicubic filter) {
    return adapt_positions(table, {1, {1, 4}}, {1, {1, to}}, filter);
  };
  const auto close = [](const Tensor<double, 3>& found, std::initializer_list<double> expected) {
    REQUIRE(found.size() == static_cast<Index>(expected.size()));
    const double* value = found.data();
    for (const double wanted : expected) CHECK(std::abs(*value++ - wanted) < 1e-4);
  };
  close(adapted(6, Bicubic::plain), {9, -.0868, -.0625, 2.0174, 6.5035, 5.5625, 2.6528});
  close(adapted(6, Bicubic::antialias), {9, -.0658, .1176, 1.8264, 6.5208, 5.2353, 2.7368});
  close(adapted(3, Bicubic::plain), {9, .03935, 4.46875, 3.67824});
  close(adapted(3, Bicubic::antialias), {9, -.09611, 4.17601, 4.33181});
}

TEST_CASE("adapt_positions refuses a table of another layout") {
  CHECK(argument_error([] {
          adapt_positions(Tensor<float, 3>({1, 5, 2}), {1, {2, 3}}, {1, {2, 2}}, Bicubic::plain);
        }) ==
        "resample_positions: positions [1, 5, 2] are not those of 1 prefix tokens and a grid "
        "of 2 x 3");
}

TEST_CASE("adapt_channels: one is the sum, others repeat three and keep the scale") {
  const Tensor<double, 4> kernel({2, 3, 1, 2}, {1, 2, 10, 20, 100, 200, 3, 4, 30, 40, 300, 400});
  CHECK(adapt_channels(kernel, 1) == Tensor<double, 4>({2, 1, 1, 2}, {111, 222, 333, 444}));
  CHECK(adapt_channels(kernel, 3) == kernel);
  const auto five = adapt_channels(kernel, 5);
  CHECK(five.shape() == Shape<4>{2, 5, 1, 2});
  for (Index d = 0; d < 2; ++d) {
    for (Index c = 0; c < 5; ++c) CHECK(five(d, c, 0, 1) == kernel(d, c % 3, 0, 1) * (3.0 / 5));
  }
  CHECK(adapt_channels(kernel, 2)(1, 1, 0, 0) == 30 * 1.5);
}

TEST_CASE("adapt_channels refuses what timm has no rule for") {
  CHECK(argument_error([] { adapt_channels(Tensor<float, 4>({2, 4, 1, 1}), 3); }) ==
        "adapt_channels: kernel [2, 4, 1, 1] cannot be adapted to 3 channels: only to one, or from "
        "three");
  CHECK(argument_error([] { adapt_channels(Tensor<float, 4>({2, 3, 1, 1}), 0); }) ==
        "adapt_channels: kernel [2, 3, 1, 1] cannot be adapted to 0 channels: only to one, or from "
        "three");
}

}  // namespace tessera::io::test
