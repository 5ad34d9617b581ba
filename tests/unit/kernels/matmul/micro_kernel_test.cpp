#include "tessera/kernels/matmul/micro_kernel.hpp"

#include <cmath>
#include <vector>

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
    for (Index rows = 1; rows <= kernel.mr; ++rows) {
      for (const bool accumulate : {false, true}) {
        Tensor<float, 2> c({16, 40}, 7.0F);
        Tensor<double, 2> expected({16, 40}, 7.0);
        for (Index r = 0; r < rows; ++r) {
          for (Index j = 0; j < kernel.nr; ++j) {
            double sum = accumulate ? 7.0 : 0.0;
            for (Index k = 0; k < depth; ++k) {
              sum += static_cast<double>(a(k, 2 * r)) * static_cast<double>(b(k, j + 3));
            }
            expected(r, j) = sum;
          }
        }
        const TileProduct tile{.a = a.data(),
                               .a_row_stride = 2,
                               .a_k_stride = 40,
                               .b = b.data() + 3,
                               .b_k_stride = 40,
                               .c = c.data(),
                               .c_stride = 40,
                               .rows = rows,
                               .steps = depth,
                               .accumulate = accumulate,
                               .prefetch = {b.data(), 40, 5, 0}};
        kernel.multiply(&tile);
        test::check_close(c, expected);
      }
    }
  }
}

TEST_CASE("panels are a whole number of tiles wide, on every instruction set") {
  for (const Isa isa : test::every_isa()) CHECK(panel_cols % micro_kernel(isa).nr == 0);
}

TEST_CASE("a path without lines prefetches nothing twice and ends") {
  const auto a = test::random_tensor<2, float>({1, 8}, 1);
  const auto b = test::random_tensor<2, float>({8, 32}, 2);
  for (const Isa isa : test::every_isa()) {
    Tensor<float, 2> c({1, 32});
    const TileProduct tile{.a = a.data(),
                           .a_row_stride = 8,
                           .a_k_stride = 1,
                           .b = b.data(),
                           .b_k_stride = 32,
                           .c = c.data(),
                           .c_stride = 32,
                           .rows = 1,
                           .steps = 8,
                           .accumulate = false,
                           .prefetch = {b.data(), 0, 0, 0}};
    micro_kernel(isa).multiply(&tile);
    double expected = 0;
    for (Index k = 0; k < 8; ++k) {
      expected += static_cast<double>(a(0, k)) * static_cast<double>(b(k, 3));
    }
    CHECK(std::abs(static_cast<double>(c(0, 3)) - expected) <= 1e-5);
  }
}

TEST_CASE("a kernel is configured when the rows change, and released at the end") {
  static std::vector<Index> calls;
  MicroKernel kernel = micro_kernel(Isa::baseline);
  kernel.configure = [](Index rows) { calls.push_back(rows); };
  kernel.release = [] { calls.push_back(-1); };
  calls.clear();
  {
    Configuration configuration(kernel);
    for (const Index rows : {32, 32, 7, 32}) configuration.set_rows(rows);
  }
  CHECK(calls == std::vector<Index>{32, 7, 32, -1});
}

TEST_CASE("no tile is higher than the buffer that finishes it") {
  for (const Isa isa : test::every_isa()) CHECK(micro_kernel(isa).mr <= max_tile_rows);
}

}  // namespace tessera::kernels
