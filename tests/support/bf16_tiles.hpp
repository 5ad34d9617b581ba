#pragma once

#include "support/close.hpp"
#include "support/random_tensor.hpp"
#include "tessera/kernels/matmul/pack_a.hpp"

namespace tessera::test {

/// Values as pairs of bfloat16 hold them: `low` is zero unless the input is split.
struct Rounded {
  Tensor<double, 2> value;
  Tensor<double, 2> low;
};

inline float as_bfloat16(float x) {
  kernels::Float16 all{};
  for (int i = 0; i < 16; ++i) all[i] = x;
  kernels::VectorTraits<kernels::Float16>::Bits bits;
  kernels::detail::round_to_bfloat16(all, bits);
  return __builtin_bit_cast(float, bits[0] & 0xffff0000U);
}

inline Rounded rounded(const Tensor<float, 2>& x, kernels::GemmInput input) {
  Rounded result{Tensor<double, 2>(x.shape()), Tensor<double, 2>(x.shape())};
  for (Index i = 0; i < x.size(); ++i) {
    const float value = as_bfloat16(x.data()[i]);
    result.value.data()[i] = value;
    if (input != kernels::GemmInput::bf16_split) continue;
    result.low.data()[i] = as_bfloat16(x.data()[i] - value);
  }
  return result;
}

/// Tiles of every height of a kernel on pairs agree with plain loops and write nothing else.
inline void check_bf16_tiles(const kernels::MicroKernel& kernel, kernels::GemmInput input) {
  using kernels::panel_cols;
  const Index depth = 96;
  const Index pairs = kernels::pair_count(depth);
  const Index height = kernel.mr;
  const auto a = random_tensor<2, float>({height, depth}, 1);
  const auto b = random_tensor<2, float>({panel_cols, depth}, 2);
  const Rounded left = rounded(a, input);
  const Rounded right = rounded(b, input);
  const kernels::PackedA packed_a({a.data(), depth, 1}, height, depth, input);
  Buffer<float> panel(static_cast<std::size_t>(pairs * kernels::panel_step(input)));
  kernels::pack_panel_of_pairs({b.data(), depth, 1}, depth, panel_cols, input, panel.data());
  for (Index rows = 1; rows <= height; ++rows) {
    kernels::Configuration configuration(kernel);
    configuration.set_rows(rows);
    for (const bool accumulate : {false, true}) {
      Tensor<float, 2> c({height + 1, 40}, 7.0F);
      Tensor<double, 2> expected({height + 1, 40}, 7.0);
      for (Index r = 0; r < rows; ++r) {
        for (Index j = 0; j < panel_cols; ++j) {
          double sum = accumulate ? 7.0 : 0.0;
          for (Index k = 0; k < depth; ++k) {
            sum += left.value(r, k) * (right.value(j, k) + right.low(j, k)) +
                   left.low(r, k) * right.value(j, k);
          }
          expected(r, j) = sum;
        }
      }
      const kernels::TileProduct tile{.a = packed_a.operand().data,
                                      .a_row_stride = packed_a.operand().outer_stride,
                                      .a_k_stride = 1,
                                      .a_low_part = packed_a.low_part(),
                                      .b = panel.data(),
                                      .b_k_stride = panel_cols,
                                      .c = c.data(),
                                      .c_stride = 40,
                                      .rows = rows,
                                      .steps = pairs,
                                      .accumulate = accumulate,
                                      .prefetch = {panel.data(), 16, 5, 0}};
      kernel.multiply(&tile);
      INFO(rows << " rows, accumulate " << accumulate);
      CHECK(distance(values_of(c), values_of(expected)) < 1e-6);
    }
  }
}

}  // namespace tessera::test
