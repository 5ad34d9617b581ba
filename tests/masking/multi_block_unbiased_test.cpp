#include "tessera/masking/multi_block_unbiased.hpp"

#include "support/catch.hpp"
#include "support/near.hpp"

using namespace tessera;
using namespace tessera::detail;

TEST_CASE("a fitted block keeps its area when one side does not fit") {
  CHECK(fitted_block({14, 14}, 36, 6) == Size{6, 6});
  CHECK(fitted_block({4, 16}, 48, 7) == Size{4, 12});
  CHECK(fitted_block({16, 4}, 48, 7) == Size{12, 4});
  CHECK(fitted_block({14, 14}, 196, 14) == Size{14, 14});
  CHECK(fitted_block({14, 14}, 0, 0) == Size{1, 1});
}

TEST_CASE("every drawn size is among the possible ones") {
  for (const Size& grid : {Size{14, 14}, {8, 20}, {5, 3}}) {
    const Interval scale{0.1, 0.4};
    const Interval aspect_ratio{0.5, 2.0};
    const std::vector<Size> possible = possible_blocks(grid, scale, aspect_ratio);
    Generator generator(1);
    std::vector<bool> seen(possible.size(), false);
    for (int i = 0; i < 20000; ++i) {
      const Index area = masked_count(grid.count(), scale.at(generator.uniform<double>()));
      const double aspect = aspect_ratio.at(generator.uniform<double>());
      const Size drawn = fitted_block(grid, area, block_height(area, aspect));
      const auto place = std::find(possible.begin(), possible.end(), drawn);
      REQUIRE(place != possible.end());
      seen[static_cast<std::size_t>(place - possible.begin())] = true;
    }
    // The last area is reached only at the very end of the scale.
    CHECK(std::count(seen.begin(), seen.end(), false) <= 6);
    const Index largest = extreme_blocks(possible, true).front().count();
    const Index smallest = extreme_blocks(possible, false).front().count();
    for (const Size& block : possible) {
      CHECK(block.count() <= largest);
      CHECK(block.count() >= smallest);
    }
  }
}

TEST_CASE("coverage along an axis is what counting gives") {
  for (const Index extent : {1, 5, 8}) {
    for (Index size = 1; size <= extent; ++size) {
      for (Index position = 0; position < extent; ++position) {
        Index covering = 0;
        for (Index start = 0; start + size <= extent; ++start) {
          covering += position >= start && position < start + size ? 1 : 0;
        }
        CHECK(coverage(position, size, extent) ==
              test::near(static_cast<double>(covering) / static_cast<double>(extent - size + 1),
                         1e-15));
      }
    }
  }
}

TEST_CASE("availability is what drawing layouts gives") {
  const MultiBlockMaskConfig config{.image_size = {96, 128}, .npred = 3};
  const Size target{3, 4};
  const Size context{5, 6};
  const std::vector<double> chances = availability(config, target, context);
  std::vector<double> seen(chances.size(), 0.0);
  Generator generator(2);
  constexpr int layouts = 20000;
  for (int i = 0; i < layouts; ++i) {
    const BlockLayout layout = draw_layout(config, target, context, generator);
    for (const Index cell : layout.context[0]) {
      seen[static_cast<std::size_t>(cell)] += 1.0 / layouts;
    }
  }
  for (std::size_t cell = 0; cell < seen.size(); ++cell) {
    CHECK(seen[cell] == test::near(chances[cell], 0.02));
  }
}

TEST_CASE("surplus is dropped at random, rarely available cells last") {
  const std::vector<double> chances = {1.0, 0.5, 1.0, 1.0, 0.25, 1.0};
  std::vector<int> kept(6, 0);
  Generator generator(3);
  for (int i = 0; i < 3000; ++i) {
    std::vector<Index> cells = {0, 1, 2, 4, 5};
    drop_surplus(cells, 2, chances, generator);
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
  drop_surplus(all, 2, chances, generator);
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
