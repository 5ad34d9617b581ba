#include "tessera/kernels/matmul/pack_panel.hpp"

#include <cmath>
#include <cstring>
#include <vector>

#include "support/catch.hpp"
#include "support/random_tensor.hpp"

namespace tessera::kernels {

TEST_CASE("blocks of k are even, whole blocks of pairs, no longer than asked for") {
  CHECK(even_kc(0, 512) == 0);
  CHECK(even_kc(1, 512) == 16);
  CHECK(even_kc(512, 512) == 512);
  CHECK(even_kc(513, 512) == 272);
  CHECK(even_kc(768, 512) == 384);
  CHECK(even_kc(3072, 512) == 512);
  CHECK(even_kc(3072, 1024) == 1024);
  CHECK(panel_count(0) == 0);
  CHECK(panel_count(32) == 1);
  CHECK(panel_count(33) == 2);
}

TEST_CASE("packing puts k after k, 32 columns each, zeros where there are none") {
  for (const Index depth : {1, 3, 4, 16, 18, 37}) {
    for (const Index cols : {1, 2, 4, 7, 31, 32}) {
      INFO(depth << " x " << cols);
      const auto b = test::random_tensor<2, float>({depth, 40}, 1);
      const auto transposed = test::random_tensor<2, float>({32, 45}, 2);
      std::vector<float> panel(static_cast<std::size_t>(depth * panel_cols), 9.0F);
      std::vector<float> other = panel;
      pack_panel(b.data(), 40, depth, cols, panel.data());
      pack_panel_transposed(transposed.data(), 45, depth, cols, other.data());
      for (Index k = 0; k < depth; ++k) {
        for (Index j = 0; j < panel_cols; ++j) {
          const auto at = static_cast<std::size_t>(k * panel_cols + j);
          REQUIRE(panel[at] == (j < cols ? b(k, j) : 0.0F));
          REQUIRE(other[at] == (j < cols ? transposed(j, k) : 0.0F));
        }
      }
    }
  }
}

TEST_CASE("packing as pairs is the same from rows and from columns, and can be undone") {
  if (machine_isa() < Isa::avx512_bf16) return;  // nothing here can make pairs
  for (const GemmInput input : {GemmInput::bf16, GemmInput::bf16_split}) {
    for (const Index depth : {1, 2, 7, 34, 64}) {
      for (const Index cols : {1, 5, 16, 32}) {
        INFO(depth << " x " << cols << " input " << static_cast<int>(input));
        const auto b = test::random_tensor<2, float>({depth, 40}, 1);
        auto transposed = Tensor<float, 2>({32, 75});
        for (Index j = 0; j < cols; ++j) {
          for (Index k = 0; k < depth; ++k) transposed(j, k) = b(k, j);
        }
        const auto size = static_cast<std::size_t>(pair_count(depth) * panel_step(input));
        std::vector<float> pairs(size, 9.0F);
        std::vector<float> other = pairs;
        pack_panel_of_pairs({b.data(), 1, 40}, depth, cols, input, pairs.data());
        pack_panel_of_pairs({transposed.data(), 75, 1}, depth, cols, input, other.data());
        CHECK(std::memcmp(pairs.data(), other.data(), size * sizeof(float)) == 0);
        const double left_over = input == GemmInput::bf16_split ? 0x1p-16 : 0x1p-8;
        const Index first = depth / 3;
        std::vector<float> back(static_cast<std::size_t>((depth - first) * panel_cols));
        unpack_panel_of_pairs(pairs.data(), input, first, depth - first, back.data());
        for (Index k = first; k < depth; ++k) {
          for (Index j = 0; j < panel_cols; ++j) {
            const double expected = j < cols ? b(k, j) : 0.0;
            const double found = back[static_cast<std::size_t>((k - first) * panel_cols + j)];
            REQUIRE(std::abs(found - expected) <= std::abs(expected) * left_over);
          }
        }
      }
    }
  }
}

}  // namespace tessera::kernels
