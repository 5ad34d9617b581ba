#include "tessera/masking/random/random_block_mask.hpp"

#include <limits>

#include "support/catch.hpp"
#include "support/text_fixture.hpp"

using namespace tessera;

namespace {

Index count_true(const bool* begin, const bool* end) { return std::count(begin, end, true); }

template <class T>
std::optional<T> unless_zero(double value) {
  if (value == 0.0) return std::nullopt;
  return static_cast<T>(value);
}

}  // namespace

TEST_CASE("random_block_mask_image is lightly's, bit for bit") {
  const test::TextFixture golden("masks.txt");
  for (const std::string& name : golden.cases("random_block_mask_image")) {
    const auto args = golden.values<double>(name + ".args");
    PythonGenerator generator(static_cast<std::uint64_t>(args[0]));
    const Tensor<bool, 2> mask = random_block_mask_image(
        {static_cast<Index>(args[1]), static_cast<Index>(args[2])}, static_cast<Index>(args[3]),
        {.min_num_masks_per_block = static_cast<Index>(args[4]),
         .max_num_masks_per_block = unless_zero<Index>(args[5]),
         .min_block_aspect_ratio = args[6],
         .max_block_aspect_ratio = unless_zero<double>(args[7])},
        generator);
    CAPTURE(name);
    CHECK(mask == golden.tensor<bool, 2>(name + ".mask"));
    CHECK(generator.random() == golden.values<double>(name + ".next")[0]);
  }
}

TEST_CASE("random_block_mask is lightly's, bit for bit") {
  const test::TextFixture golden("masks.txt");
  for (const std::string& name : golden.cases("random_block_mask")) {
    const auto args = golden.values<double>(name + ".args");
    PythonGenerator generator(static_cast<std::uint64_t>(args[0]));
    const Tensor<bool, 3> mask = random_block_mask(
        {static_cast<Index>(args[1]), static_cast<Index>(args[2]), static_cast<Index>(args[3])},
        {.batch_mask_ratio = args[4],
         .min_image_mask_ratio = args[5],
         .max_image_mask_ratio = args[6]},
        generator);
    CAPTURE(name);
    CHECK(mask == golden.tensor<bool, 3>(name + ".mask"));
    CHECK(generator.random() == golden.values<double>(name + ".next")[0]);
  }
}

TEST_CASE("int(B * ratio) images are masked, within the image ratios") {
  PythonGenerator generator(1);
  for (const auto& [ratio, images] :
       {std::pair<double, Index>{0.0, 0}, {0.4, 2}, {0.6, 3}, {1.0, 5}}) {
    for (int repeat = 0; repeat < 20; ++repeat) {
      const Tensor<bool, 3> mask = random_block_mask(
          {5, 14, 14},
          {.batch_mask_ratio = ratio, .min_image_mask_ratio = 0.2, .max_image_mask_ratio = 0.5},
          generator);
      Index masked_images = 0;
      for (Index b = 0; b < 5; ++b) {
        const Index count = count_true(mask.data() + b * 196, mask.data() + (b + 1) * 196);
        masked_images += count > 0 ? 1 : 0;
        CHECK(count <= 98);
        if (count > 0) CHECK(count >= 39 / 4);
      }
      CHECK(masked_images == images);
    }
  }
}

TEST_CASE("the masked images together lie between the image ratios") {
  for (const auto& [low, high] : {std::pair{0.0, 0.0}, {0.4, 0.6}, {1.0, 1.0}}) {
    PythonGenerator generator(0);
    const Tensor<bool, 3> mask = random_block_mask({5, 14, 14},
                                                   {.min_image_mask_ratio = low,
                                                    .max_image_mask_ratio = high,
                                                    .block = {.min_num_masks_per_block = 0}},
                                                   generator);
    const auto count = static_cast<double>(count_true(mask.begin(), mask.end()));
    // A quarter of the lower bound: attempts run out where no further block fits.
    CHECK(count >= low * 5 * 14 * 14 / 4);
    CHECK(count <= high * 5 * 14 * 14);
  }
}

TEST_CASE("a block mask has at most num_masks patches and one block at least") {
  PythonGenerator generator(2);
  for (int repeat = 0; repeat < 200; ++repeat) {
    const Tensor<bool, 2> mask = random_block_mask_image({14, 14}, 40, {}, generator);
    const Index count = count_true(mask.begin(), mask.end());
    CHECK(count <= 40);
    CHECK(count >= 4);
  }
  struct Limits {
    Index masks;
    Index least;
    std::optional<Index> most;
  };
  for (const Limits& limits : std::vector<Limits>{{0, 0, {}},
                                                  {10, 0, {}},
                                                  {10, 4, {}},
                                                  {10, 10, {}},
                                                  {10, 0, 4},
                                                  {10, 0, 10},
                                                  {8 * 12, 1, {}}}) {
    PythonGenerator zero(0);
    const Tensor<bool, 2> mask = random_block_mask_image(
        {8, 12}, limits.masks,
        {.min_num_masks_per_block = limits.least, .max_num_masks_per_block = limits.most}, zero);
    CHECK(mask.shape() == Shape<2>{8, 12});
    CHECK(count_true(mask.begin(), mask.end()) >= limits.least);
    CHECK(count_true(mask.begin(), mask.end()) <= limits.masks);
  }
  const Tensor<bool, 2> none =
      random_block_mask_image({14, 14}, 0, {.min_num_masks_per_block = 0}, generator);
  CHECK(count_true(none.begin(), none.end()) == 0);
}

TEST_CASE("nine patches at aspect ratio 1 are a square of three") {
  PythonGenerator generator(3);
  const Tensor<bool, 2> mask = random_block_mask_image({14, 10}, 9,
                                                       {.min_num_masks_per_block = 9,
                                                        .max_num_masks_per_block = 9,
                                                        .min_block_aspect_ratio = 1.0,
                                                        .max_block_aspect_ratio = 1.0},
                                                       generator);
  REQUIRE(count_true(mask.begin(), mask.end()) == 9);
  const Index first = std::find(mask.begin(), mask.end(), true) - mask.begin();
  for (Index row = 0; row < 3; ++row) {
    for (Index column = 0; column < 3; ++column) {
      CHECK(mask(first / 10 + row, first % 10 + column));
    }
  }
}

TEST_CASE("blocks are smaller than the grid on both axes") {
  PythonGenerator generator(4);
  // 3 x 3 is the only square of nine, and it spans this grid: nothing is masked.
  const Tensor<bool, 2> mask = random_block_mask_image(
      {3, 3}, 9, {.min_num_masks_per_block = 9, .min_block_aspect_ratio = 1.0}, generator);
  CHECK(count_true(mask.begin(), mask.end()) == 0);
}

TEST_CASE("aspect ratios steer the shape of a block") {
  PythonGenerator generator(5);
  for (const auto& [aspect, height, width] :
       {std::tuple<double, Index, Index>{4.0, 8, 2}, {0.25, 2, 8}, {1.0, 4, 4}}) {
    const Tensor<bool, 2> mask = random_block_mask_image({14, 14}, 16,
                                                         {.min_num_masks_per_block = 16,
                                                          .min_block_aspect_ratio = aspect,
                                                          .max_block_aspect_ratio = aspect},
                                                         generator);
    Index rows = 0;
    Index columns = 0;
    for (Index i = 0; i < 14; ++i) {
      rows += count_true(mask.row(i), mask.row(i) + 14) > 0 ? 1 : 0;
      Index in_column = 0;
      for (Index row = 0; row < 14; ++row) in_column += mask(row, i) ? 1 : 0;
      columns += in_column > 0 ? 1 : 0;
    }
    CHECK(rows == height);
    CHECK(columns == width);
  }
}

TEST_CASE("block mask errors name the argument and leave the generator alone") {
  PythonGenerator generator(1);
  const double nan = std::numeric_limits<double>::quiet_NaN();
  REQUIRE_THROWS_WITH(
      random_block_mask_image({8, 8}, 10, {.max_num_masks_per_block = 3}, generator),
      "random_block_mask_image: max_num_masks_per_block = 3 is less than min_num_masks_per_block = "
      "4");
  REQUIRE_THROWS_WITH(random_block_mask_image({8, 8}, 3, {}, generator),
                      "random_block_mask_image: max_num_masks_per_block = 3 (num_masks) is less "
                      "than min_num_masks_per_block = 4");
  REQUIRE_THROWS_WITH(
      random_block_mask_image({8, 8}, 9, {.max_block_aspect_ratio = 0.1}, generator),
      "random_block_mask_image: aspect ratios [0.3, 0.1] must be in order and within [0.001, "
      "1000]");
  REQUIRE_THROWS_WITH(random_block_mask_image({8, 8}, -1, {}, generator),
                      "random_block_mask_image: num_masks = -1 is negative");
  REQUIRE_THROWS_WITH(
      random_block_mask_image({8, 8}, 9, {.min_num_masks_per_block = -1}, generator),
      "random_block_mask_image: min_num_masks_per_block = -1 is negative");
  REQUIRE_THROWS_WITH(random_block_mask_image({8, 8}, 9, {.max_attempts_per_block = 0}, generator),
                      "random_block_mask_image: max_attempts_per_block = 0 must be at least 1");
  REQUIRE_THROWS_WITH(random_block_mask_image({0, 8}, 9, {}, generator),
                      "random_block_mask_image: size 0 x 8 must be at least 1 x 1");

  REQUIRE_THROWS_WITH(
      random_block_mask({2, 8, 8}, {.min_image_mask_ratio = 0.6, .max_image_mask_ratio = 0.5},
                        generator),
      "random_block_mask: min_image_mask_ratio = 0.6 exceeds max_image_mask_ratio = 0.5");
  REQUIRE_THROWS_WITH(random_block_mask({2, 8, 8}, {.batch_mask_ratio = nan}, generator),
                      "random_block_mask: batch_mask_ratio = nan is outside [0, 1]");
  REQUIRE_THROWS_WITH(random_block_mask({2, 8, 8}, {.max_image_mask_ratio = 1.2}, generator),
                      "random_block_mask: max_image_mask_ratio = 1.2 is outside [0, 1]");
  REQUIRE_THROWS_WITH(random_block_mask({2, 6, 6}, {}, generator),
                      "random_block_mask: min_image_mask_ratio = 0.1 of the grid 6 x 6 is 3 "
                      "patches, less than min_num_masks_per_block = 4");
  REQUIRE_THROWS_WITH(
      random_block_mask({2, 14, 14}, {.block = {.max_num_masks_per_block = 2}}, generator),
      "random_block_mask_image: max_num_masks_per_block = 2 is less than "
      "min_num_masks_per_block = 4");
  CHECK(generator == PythonGenerator(1));
}
