#include "tessera/kernels/matmul/pack_b.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include "support/catch.hpp"
#include "support/random_tensor.hpp"

namespace tessera::kernels {

namespace {

/// b(k, j) of steps [at, at + depth) as `panels` hold it.
float element(const PanelsOfB& panels, GemmInput input, Index at, Index k, Index j) {
  if (input == GemmInput::f32) {
    return panels.panel(j / panel_cols)[(k - at) * panels.k_stride() + j % panel_cols];
  }
  float row[panel_cols];
  unpack_panel_of_pairs(panels.panel(j / panel_cols), input, k - 2 * at, 1, row);
  return row[j % panel_cols];
}

/// Largest difference of a packed value from its input, relative to it.
float left_over(GemmInput input) {
  return input == GemmInput::f32 ? 0.0F : input == GemmInput::bf16 ? 0x1p-8F : 0x1p-16F;
}

}  // namespace

TEST_CASE("panels hold b whatever its layout, for any input") {
  const Index depth = 130;
  const Index cols = 70;  // three panels, the last one in part
  const auto b = test::random_tensor<2, float>({depth, cols}, 1);
  auto transposed = Tensor<float, 2>({cols, depth});
  for (Index j = 0; j < cols; ++j) {
    for (Index k = 0; k < depth; ++k) transposed(j, k) = b(k, j);
  }
  std::vector<OperandB> operands{{b.data(), depth, cols, cols, BLayout::k_by_n},
                                 {transposed.data(), depth, cols, depth, BLayout::n_by_k}};
  std::vector<GemmInput> inputs{GemmInput::f32};
  if (machine_isa() >= Isa::avx512_bf16) {
    inputs.push_back(GemmInput::bf16);
    inputs.push_back(GemmInput::bf16_split);
  }
  std::vector<Buffer<float>> packed(2 * inputs.size());
  for (std::size_t i = 0; i < packed.size(); ++i) {  // every layout for every input
    const GemmInput input = inputs[i / 2];
    operands.push_back(pack_whole(operands[i % 2], input, packed[i]));
    CHECK(operands.back().panel_input() == input);
  }
  for (const OperandB& operand : operands) {
    for (const GemmInput input : inputs) {
      const bool pairs = input != GemmInput::f32;
      if (operand.in_panels() && pairs && operand.panel_input() != input)
        continue;  // never asked for
      for (const Index rows : {10, 500}) {
        INFO(static_cast<int>(operand.layout)
             << " input " << static_cast<int>(input) << " rows " << rows);
        PanelsOfB panels(operand, input, 1, 2, rows, 48);
        CHECK(panels.steps() == (pairs ? 80 : depth));
        const Index at = pairs ? 16 : 5;  // floats from pairs may begin anywhere
        const Index some = pairs ? 48 : 33;
        panels.prepare(at, some);
        const float apart = std::max(left_over(input), left_over(operand.panel_input()));
        const Index values = pairs ? 2 : 1;
        for (Index k = values * at; k < std::min(depth, values * (at + some)); ++k) {
          for (Index j = 0; j < cols - panel_cols; ++j) {
            const float expected = b(k, panel_cols + j);
            const float found = element(panels, input, at, k, j);
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
    const OperandB operand{b.data(), 8, cols, stride, BLayout::k_by_n};
    PanelsOfB panels(operand, GemmInput::f32, 0, 2, rows, 16);
    panels.prepare(0, 8);
    return panels.panel(0) == b.data() && panels.k_stride() == stride;
  };
  CHECK(in_place(1088, 64, 10));
  CHECK_FALSE(in_place(1024, 64, 10));
  CHECK_FALSE(in_place(1088, 63, 10));
  CHECK_FALSE(in_place(1088, 64, 1000));
}

}  // namespace tessera::kernels
