#pragma once

#include "support/close.hpp"
#include "support/random_tensor.hpp"
#include "tessera/kernels/matmul/pack_a.hpp"

namespace tessera::test {

/// Values as words of two bfloat16 hold them: `rest` is zero unless the form is split.
struct Rounded {
  Tensor<double, 2> value;
  Tensor<double, 2> rest;
};

inline float as_bfloat16(float x) {
  kernels::Float16 all{};
  for (int i = 0; i < 16; ++i) all[i] = x;
  kernels::VectorTraits<kernels::Float16>::Words bits;
  kernels::detail::round_to_bfloat16(all, bits);
  return __builtin_bit_cast(float, bits[0] & 0xffff0000U);
}

inline Rounded rounded(const Tensor<float, 2>& x, kernels::InputForm form) {
  Rounded result{Tensor<double, 2>(x.shape()), Tensor<double, 2>(x.shape())};
  for (Index i = 0; i < x.size(); ++i) {
    const float value = as_bfloat16(x.data()[i]);
    result.value.data()[i] = value;
    if (form != kernels::InputForm::split) continue;
    result.rest.data()[i] = as_bfloat16(x.data()[i] - value);
  }
  return result;
}

/// Tiles of every height of a kernel on words agree with plain loops and write nothing else.
inline void check_word_tiles(const kernels::MicroKernel& kernel, kernels::InputForm form) {
  using kernels::panel_cols;
  const Index depth = 96;
  const Index words = kernels::pair_count(depth);
  const Index height = kernel.max_rows;
  const auto a = random_tensor<2, float>({height, depth}, 1);
  const auto b = random_tensor<2, float>({panel_cols, depth}, 2);
  const Rounded left = rounded(a, form);
  const Rounded right = rounded(b, form);
  const kernels::LeftRows rows_of_words({a.data(), depth, 1}, height, depth, form);
  Buffer<float> panel(static_cast<std::size_t>(words * kernels::step_words(form)));
  kernels::pack_words({b.data(), depth, 1}, depth, panel_cols, form, panel.data());
  for (Index rows = 1; rows <= height; ++rows) {
    if (kernel.begin != nullptr) kernel.begin(rows);
    for (const bool accumulate : {false, true}) {
      Tensor<float, 2> c({height + 1, 40}, 7.0F);
      Tensor<double, 2> expected({height + 1, 40}, 7.0);
      for (Index r = 0; r < rows; ++r) {
        for (Index j = 0; j < panel_cols; ++j) {
          double sum = accumulate ? 7.0 : 0.0;
          for (Index k = 0; k < depth; ++k) {
            sum += left.value(r, k) * (right.value(j, k) + right.rest(j, k)) +
                   left.rest(r, k) * right.value(j, k);
          }
          expected(r, j) = sum;
        }
      }
      const kernels::TileProduct tile{.a = rows_of_words.operand().data,
                                      .a_row = rows_of_words.operand().row,
                                      .a_step = 1,
                                      .a_rest = rows_of_words.rest(),
                                      .b = panel.data(),
                                      .b_step = panel_cols,
                                      .c = c.data(),
                                      .c_row = 40,
                                      .rows = rows,
                                      .depth = words,
                                      .accumulate = accumulate,
                                      .next = {panel.data(), 16, 5, 0}};
      kernel.multiply(&tile);
      INFO(rows << " rows, accumulate " << accumulate);
      CHECK(distance(values_of(c), values_of(expected)) < 1e-6);
    }
    if (kernel.end != nullptr) kernel.end();
  }
}

}  // namespace tessera::test
