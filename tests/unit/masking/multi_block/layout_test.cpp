#include "tessera/masking/multi_block/layout.hpp"

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
