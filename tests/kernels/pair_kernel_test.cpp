#include "tessera/kernels/pair_kernel.hpp"

#include "support/close.hpp"
#include "support/each_isa.hpp"
#include "support/random_tensor.hpp"

namespace tessera::kernels {

TEST_CASE("tiles of pairs of every height add both products of a word") {
  if (machine_isa() < Isa::avx512_bf16) return;  // nothing here can run them
  const Index words = 19;
  const auto a = test::random_tensor<2, float>({14, 2 * words}, 1);
  const auto b = test::random_tensor<2, float>({2 * words, panel_cols}, 2);
  Tensor<float, 2> a_words({14, words});
  Tensor<float, 2> b_words({words, panel_cols});
  for (Index r = 0; r < 14; ++r) pair_columns(a.row(r), 2 * words, a_words.row(r));
  for (Index k = 0; k < words; ++k) {
    pair_rows(b.row(2 * k), b.row(2 * k + 1), panel_cols, b_words.row(k));
  }
  for (Index rows = 1; rows <= micro_kernel_of_pairs().max_rows; ++rows) {
    for (const bool accumulate : {false, true}) {
      Tensor<float, 2> c({15, 40}, 7.0F);
      Tensor<double, 2> expected({15, 40}, 7.0);
      for (Index r = 0; r < rows; ++r) {
        for (Index j = 0; j < panel_cols; ++j) {
          double sum = accumulate ? 7.0 : 0.0;
          for (Index k = 0; k < 2 * words; ++k) {
            float left = 0;
            float right = 0;
            unpair_row(a_words.row(r) + k / 2, k, 1, &left);
            unpair_row(b_words.row(k / 2) + j, k, 1, &right);
            sum += static_cast<double>(left) * static_cast<double>(right);
          }
          expected(r, j) = sum;
        }
      }
      const TileProduct tile{.a = a_words.data(),
                             .a_row = words,
                             .a_step = 1,
                             .b = b_words.data(),
                             .b_step = panel_cols,
                             .c = c.data(),
                             .c_row = 40,
                             .depth = words,
                             .accumulate = accumulate,
                             .next = {b_words.data(), 16, 5, 0}};
      micro_kernel_of_pairs().of_rows[static_cast<std::size_t>(rows)](&tile);
      test::check_close(c, expected);
    }
  }
}

}  // namespace tessera::kernels
