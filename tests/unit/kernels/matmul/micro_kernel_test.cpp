#include "tessera/kernels/matmul/micro_kernel.hpp"

#include "support/close.hpp"
#include "support/each_isa.hpp"
#include "support/random_tensor.hpp"

namespace tessera::kernels {

TEST_CASE("tiles of every height agree with plain loops and write nothing else") {
  const Index depth = 19;
  const auto a = test::random_tensor<2, float>({depth, 40}, 1);  // [k, row]
  const auto b = test::random_tensor<2, float>({depth, 40}, 2);
  for (const Isa isa : test::every_isa()) {
    const MicroKernel& kernel = micro_kernel(isa);
    for (Index rows = 1; rows <= kernel.max_rows; ++rows) {
      for (const bool accumulate : {false, true}) {
        Tensor<float, 2> c({16, 40}, 7.0F);
        Tensor<double, 2> expected({16, 40}, 7.0);
        for (Index r = 0; r < rows; ++r) {
          for (Index j = 0; j < kernel.cols; ++j) {
            double sum = accumulate ? 7.0 : 0.0;
            for (Index k = 0; k < depth; ++k) {
              sum += static_cast<double>(a(k, 2 * r)) * static_cast<double>(b(k, j + 3));
            }
            expected(r, j) = sum;
          }
        }
        const TileProduct tile{.a = a.data(),
                               .a_row = 2,
                               .a_step = 40,
                               .b = b.data() + 3,
                               .b_step = 40,
                               .c = c.data(),
                               .c_row = 40,
                               .rows = rows,
                               .depth = depth,
                               .accumulate = accumulate,
                               .next = {b.data(), 40, 5, 0}};
        kernel.multiply(&tile);
        test::check_close(c, expected);
      }
    }
  }
}

TEST_CASE("panels are a whole number of tiles wide, on every instruction set") {
  for (const Isa isa : test::every_isa()) CHECK(panel_cols % micro_kernel(isa).cols == 0);
}

}  // namespace tessera::kernels
