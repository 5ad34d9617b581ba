#include "tessera/kernels/right_panels.hpp"

#include <cmath>

#include "support/catch.hpp"
#include "support/random_tensor.hpp"

namespace tessera::kernels {

namespace {

/// b(k, j) of steps [at, at + depth) as `panels` hold it.
float element(const RightPanels& panels, bool pairs, Index at, Index k, Index j) {
  const Index step = (pairs ? k / 2 : k) - at;
  const float* word = panels.panel(j / panel_cols) + step * panels.step() + j % panel_cols;
  float value = *word;
  if (pairs) unpair_row(word, k, 1, &value);
  return value;
}

}  // namespace

TEST_CASE("panels hold b whatever its layout, as floats or as pairs") {
  const Index depth = 90;
  const Index cols = 70;  // three panels, the last one in part
  const auto b = test::random_tensor<2, float>({depth, cols}, 1);
  auto transposed = Tensor<float, 2>({cols, depth});
  for (Index j = 0; j < cols; ++j) {
    for (Index k = 0; k < depth; ++k) transposed(j, k) = b(k, j);
  }
  Tensor<float, 1> floats({3 * panel_cols * depth});
  Tensor<float, 1> words({3 * panel_cols * pair_count(depth)});
  for (Index p = 0; p < 3; ++p) {
    const Index some = std::min(panel_cols, cols - p * panel_cols);
    pack_panel(b.data() + p * panel_cols, cols, depth, some,
               floats.data() + p * panel_cols * depth);
    pack_pairs(b.data() + p * panel_cols, cols, depth, some,
               words.data() + p * panel_cols * pair_count(depth));
  }
  const RightOperand operands[] = {
      {b.data(), depth, cols, cols, RightLayout::depth_by_cols},
      {transposed.data(), depth, cols, depth, RightLayout::cols_by_depth},
      {floats.data(), depth, cols, 0, RightLayout::panels},
      {words.data(), depth, cols, 0, RightLayout::pair_panels}};
  for (const RightOperand& operand : operands) {
    for (const bool pairs : {false, true}) {
      if (pairs && operand.layout == RightLayout::panels) continue;  // never asked for
      for (const Index rows : {10, 500}) {
        INFO(static_cast<int>(operand.layout) << " pairs " << pairs << " rows " << rows);
        RightPanels panels(operand, pairs, 1, 2, rows);
        CHECK(panels.steps() == (pairs ? depth / 2 : depth));
        const Index at = 5;  // an odd step, so pairs and floats of words begin anywhere
        const Index some = pairs ? 20 : 33;
        panels.prepare(at, some);
        const bool rounded = pairs || operand.layout == RightLayout::pair_panels;
        for (Index k = pairs ? 2 * at : at; k < (pairs ? 2 : 1) * (at + some); ++k) {
          for (Index j = 0; j < cols - panel_cols; ++j) {
            const float expected = b(k, panel_cols + j);
            const float found = element(panels, pairs, at, k, j);
            REQUIRE(std::abs(found - expected) <= (rounded ? std::abs(expected) / 256 : 0.0F));
          }
        }
      }
    }
  }
}

TEST_CASE("whole panels of few rows are read in place, strides of 4 KiB are not") {
  const auto b = test::random_tensor<2, float>({8, 1024 + 64}, 1);
  const auto in_place = [&](Index stride, Index cols, Index rows) {
    const RightOperand operand{b.data(), 8, cols, stride, RightLayout::depth_by_cols};
    RightPanels panels(operand, false, 0, 2, rows);
    panels.prepare(0, 8);
    return panels.panel(0) == b.data() && panels.step() == stride;
  };
  CHECK(in_place(1088, 64, 10));
  CHECK_FALSE(in_place(1024, 64, 10));
  CHECK_FALSE(in_place(1088, 63, 10));
  CHECK_FALSE(in_place(1088, 64, 1000));
}

}  // namespace tessera::kernels
