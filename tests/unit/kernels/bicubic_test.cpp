#include "tessera/kernels/bicubic.hpp"

#include <cmath>
#include <vector>

#include "support/catch.hpp"

namespace tessera::kernels {

namespace {

std::vector<double> resampled(const std::vector<double>& row, Index outputs, Bicubic filter) {
  std::vector<double> result(static_cast<std::size_t>(outputs));
  for (const Tap& tap : bicubic_taps(static_cast<Index>(row.size()), outputs, filter)) {
    result[static_cast<std::size_t>(tap.output)] +=
        tap.weight * row[static_cast<std::size_t>(tap.source)];
  }
  return result;
}

void check_row(const std::vector<double>& found, const std::vector<double>& expected,
               double allowed) {
  REQUIRE(found.size() == expected.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    INFO("place " << i);
    CHECK(std::abs(found[i] - expected[i]) <= allowed);
  }
}

}  // namespace

TEST_CASE("the cubic kernel is Keys' polynomial") {
  for (const double a : {-0.5, -0.75}) {
    CHECK(cubic_kernel(0, a) == 1);
    CHECK(cubic_kernel(1, a) == 0);
    CHECK(cubic_kernel(2, a) == 0);
    CHECK(cubic_kernel(2.5, a) == 0);
    CHECK(cubic_kernel(-0.3, a) == cubic_kernel(0.3, a));
  }
  CHECK(cubic_kernel(0.5, -0.5) == 0.5625);
  CHECK(cubic_kernel(1.5, -0.5) == -0.0625);
  CHECK(cubic_kernel(0.5, -0.75) == 0.59375);
  CHECK(cubic_kernel(1.5, -0.75) == -0.09375);
}

TEST_CASE("both filters reproduce PyTorch's interpolate") {
  // torch.nn.functional.interpolate, mode bicubic, align_corners False, of [0, 1, 7, 3].
  const std::vector<double> row{0, 1, 7, 3};
  check_row(resampled(row, 6, Bicubic::plain), {-.0868, -.0625, 2.0174, 6.5035, 5.5625, 2.6528},
            5e-5);
  check_row(resampled(row, 6, Bicubic::antialias), {-.0658, .1176, 1.8264, 6.5208, 5.2353, 2.7368},
            5e-5);
  check_row(resampled(row, 3, Bicubic::plain), {.03935, 4.46875, 3.67824}, 5e-6);
  check_row(resampled(row, 3, Bicubic::antialias), {-.09611, 4.17601, 4.33181}, 5e-6);
}

TEST_CASE("the same size is the identity") {
  const std::vector<double> row{0, 1, 7, 3, -2};
  check_row(resampled(row, 5, Bicubic::plain), row, 1e-15);
  check_row(resampled(row, 5, Bicubic::antialias), row, 1e-15);
}

TEST_CASE("weights sum to one and sources lie inside, for any pair of sizes") {
  for (const Bicubic filter : {Bicubic::plain, Bicubic::antialias}) {
    for (Index inputs = 1; inputs <= 17; ++inputs) {
      for (Index outputs = 1; outputs <= 17; ++outputs) {
        std::vector<double> sums(static_cast<std::size_t>(outputs));
        bool inside = true;
        for (const Tap& tap : bicubic_taps(inputs, outputs, filter)) {
          inside = inside && tap.source >= 0 && tap.source < inputs;
          sums.at(static_cast<std::size_t>(tap.output)) += tap.weight;
        }
        for (const double sum : sums) {
          if (!inside || std::abs(sum - 1) > 1e-12) FAIL(inputs << " to " << outputs);
        }
      }
    }
  }
}

TEST_CASE("a grid is resampled down and across") {
  const Size from{3, 2}, to{2, 5};
  const auto weight_of = [](const auto& taps, Index output, Index source) {
    double sum = 0;
    for (const Tap& tap : taps) {
      if (tap.output == output && tap.source == source) sum += tap.weight;
    }
    return sum;
  };
  for (const Bicubic filter : {Bicubic::plain, Bicubic::antialias}) {
    const auto cells = bicubic_taps(from, to, filter);
    const auto down = bicubic_taps(from.height, to.height, filter);
    const auto across = bicubic_taps(from.width, to.width, filter);
    for (Index output = 0; output < to.count(); ++output) {
      for (Index source = 0; source < from.count(); ++source) {
        const double expected = weight_of(down, output / to.width, source / from.width) *
                                weight_of(across, output % to.width, source % from.width);
        CHECK(std::abs(weight_of(cells, output, source) - expected) <= 1e-15);
      }
    }
  }
}

}  // namespace tessera::kernels
