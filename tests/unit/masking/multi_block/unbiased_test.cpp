#include "tessera/masking/multi_block/unbiased.hpp"

#include "support/catch.hpp"
#include "support/near.hpp"

using namespace tessera;
using namespace tessera::detail;

TEST_CASE("surplus is dropped at random, cells without haste last") {
  const std::vector<double> haste = {1.0, 0.25, 1.0, 1.0, 0.0625, 1.0};
  std::vector<int> kept(6, 0);
  Generator generator(3);
  for (int i = 0; i < 3000; ++i) {
    std::vector<Index> cells = {0, 1, 2, 4, 5};
    drop_surplus(cells, 2, haste, generator);
    REQUIRE(cells.size() == 2);
    REQUIRE(cells[0] < cells[1]);
    for (const Index cell : cells) ++kept[static_cast<std::size_t>(cell)];
  }
  CHECK(kept[3] == 0);
  CHECK(kept[4] > kept[1]);
  CHECK(kept[1] > 2 * kept[0]);
  CHECK(std::abs(kept[0] - kept[2]) < 120);
  CHECK(std::abs(kept[0] - kept[5]) < 120);
  std::vector<Index> all = {0, 3};
  const Generator before = generator;
  drop_surplus(all, 2, haste, generator);
  CHECK(all == std::vector<Index>{0, 3});
  CHECK(generator == before);
}

TEST_CASE("the context length follows from the config alone") {
  CHECK(fixed_context_length({}) == 46);
  CHECK(fixed_context_length({.patch_size = 14}) == 57);
  CHECK(fixed_context_length({.image_size = {448, 448}}) == 208);
  CHECK(fixed_context_length({.context_length = 30}) == 30);
  CHECK(fixed_context_length({.allow_overlap = true}) == 169);  // the smallest context block
}

TEST_CASE("grids and scales without a valid mask are refused, by name") {
  REQUIRE_THROWS_WITH(
      fixed_context_length({.image_size = {64, 64}}),
      "MultiBlockMaskSampler: no valid target mask: blocks may have 1 x 2 patches (grid 4 x 4, "
      "enc_mask_scale [0.85, 1], pred_mask_scale [0.15, 0.2], aspect_ratio [0.75, 1.5], npred 4, "
      "min_keep 10)");
  REQUIRE_THROWS_WITH(
      fixed_context_length({.enc_mask_scale = {0.1, 0.2}, .pred_mask_scale = {0.7, 0.9}}),
      "MultiBlockMaskSampler: no valid context mask: 0 of 1024 layouts leave 11 context tokens "
      "(grid 14 x 14, enc_mask_scale [0.1, 0.2], pred_mask_scale [0.7, 0.9], aspect_ratio [0.75, "
      "1.5], npred 4, min_keep 10)");
  REQUIRE_THROWS_WITH(
      fixed_context_length({.context_length = 160}),
      "MultiBlockMaskSampler: no valid context mask: 0 of 1024 layouts leave 160 context tokens "
      "(grid 14 x 14, enc_mask_scale [0.85, 1], pred_mask_scale [0.15, 0.2], aspect_ratio [0.75, "
      "1.5], npred 4, min_keep 10)");
}
