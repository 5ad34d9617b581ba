#include "tessera/kernels/matmul/pack_b.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "support/catch.hpp"
#include "support/random_tensor.hpp"

namespace tessera::kernels {

namespace {

/// b(k, j) of steps [at, at + depth) as `panels` hold it.
float element(const RightPanels& panels, InputForm form, Index at, Index k, Index j) {
  if (form == InputForm::floats) {
    return panels.panel(j / panel_cols)[(k - at) * panels.step() + j % panel_cols];
  }
  float row[panel_cols];
  unpack_words(panels.panel(j / panel_cols), form, k - 2 * at, 1, row);
  return row[j % panel_cols];
}

/// How far a value may be from what it was in its form, relative to it.
float left_over(InputForm form) {
  return form == InputForm::floats ? 0.0F : form == InputForm::pairs ? 0x1p-8F : 0x1p-16F;
}

}  // namespace

TEST_CASE("panels hold b whatever its layout, in any form") {
  const Index depth = 130;
  const Index cols = 70;  // three panels, the last one in part
  const auto b = test::random_tensor<2, float>({depth, cols}, 1);
  auto transposed = Tensor<float, 2>({cols, depth});
  for (Index j = 0; j < cols; ++j) {
    for (Index k = 0; k < depth; ++k) transposed(j, k) = b(k, j);
  }
  std::vector<RightOperand> operands{
      {b.data(), depth, cols, cols, RightLayout::depth_by_cols},
      {transposed.data(), depth, cols, depth, RightLayout::cols_by_depth}};
  std::vector<InputForm> forms{InputForm::floats};
  if (machine_isa() >= Isa::avx512_bf16) {
    forms.push_back(InputForm::pairs);
    forms.push_back(InputForm::split);
  }
  std::vector<Buffer<float>> packed(2 * forms.size());
  for (std::size_t i = 0; i < packed.size(); ++i) {  // every layout in every form
    const InputForm form = forms[i / 2];
    operands.push_back(pack_whole(operands[i % 2], form, packed[i]));
    CHECK(operands.back().panel_form() == form);
  }
  for (const RightOperand& operand : operands) {
    for (const InputForm form : forms) {
      const bool words = form != InputForm::floats;
      if (operand.in_panels() && words && operand.panel_form() != form)
        continue;  // never asked for
      for (const Index rows : {10, 500}) {
        INFO(static_cast<int>(operand.layout)
             << " form " << static_cast<int>(form) << " rows " << rows);
        RightPanels panels(operand, form, 1, 2, rows, 48);
        CHECK(panels.steps() == (words ? 80 : depth));
        const Index at = words ? 16 : 5;  // floats of words may begin anywhere
        const Index some = words ? 48 : 33;
        panels.prepare(at, some);
        const float apart = std::max(left_over(form), left_over(operand.panel_form()));
        const Index values = words ? 2 : 1;
        for (Index k = values * at; k < std::min(depth, values * (at + some)); ++k) {
          for (Index j = 0; j < cols - panel_cols; ++j) {
            const float expected = b(k, panel_cols + j);
            const float found = element(panels, form, at, k, j);
            REQUIRE(std::abs(found - expected) <= apart * std::abs(expected));
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
    RightPanels panels(operand, InputForm::floats, 0, 2, rows, 16);
    panels.prepare(0, 8);
    return panels.panel(0) == b.data() && panels.step() == stride;
  };
  CHECK(in_place(1088, 64, 10));
  CHECK_FALSE(in_place(1024, 64, 10));
  CHECK_FALSE(in_place(1088, 63, 10));
  CHECK_FALSE(in_place(1088, 64, 1000));
}

}  // namespace tessera::kernels
