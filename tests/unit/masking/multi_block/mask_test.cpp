#include "tessera/masking/multi_block/mask.hpp"

#include "support/catch.hpp"
#include "support/near.hpp"
#include "support/text_fixture.hpp"
#include "tessera/masking/mask_text.hpp"
#include "tessera/masking/token_mask.hpp"

using namespace tessera;

namespace {

constexpr MultiBlockMode reference = MultiBlockMode::reference;
constexpr MultiBlockMode unbiased = MultiBlockMode::unbiased;

Index row_sum(const TokenIndex& index, Index row) {
  Index sum = 0;
  for (Index k = 0; k < index.dim(1); ++k) sum += index(row, k);
  return sum;
}

/// Share of images whose masks hold a patch, averaged per row and per column of the grid.
struct Coverage {
  std::vector<double> rows;
  std::vector<double> columns;
  double length = 0.0;

  /// The most covered row or column over the least covered one.
  double unevenness() const {
    const auto [row_least, row_most] = std::minmax_element(rows.begin(), rows.end());
    const auto [least, most] = std::minmax_element(columns.begin(), columns.end());
    return std::max(*row_most / *row_least, *most / *least);
  }

  std::string text() const {
    std::string line = concat("unevenness ", unevenness(), ", mean length ", length, ", rows");
    for (const double share : rows) line += concat(" ", std::round(1000.0 * share) / 1000.0);
    line += ", columns";
    for (const double share : columns) line += concat(" ", std::round(1000.0 * share) / 1000.0);
    return line;
  }
};

template <class Choose>
Coverage coverage_of(const MultiBlockMaskConfig& config, Index batch, Index images, Choose choose) {
  const MultiBlockMaskSampler sampler(config);
  const Size grid = config.grid();
  Coverage coverage{std::vector<double>(static_cast<std::size_t>(grid.height)),
                    std::vector<double>(static_cast<std::size_t>(grid.width))};
  Generator generator(1);
  double masks = 0.0;
  for (Index step = 0; step * batch < images; ++step) {
    const MultiBlockMasks drawn =
        sampler.sample(batch, static_cast<std::uint64_t>(step), generator);
    for (const TokenIndex& index : choose(drawn)) {
      masks += static_cast<double>(batch);
      coverage.length += static_cast<double>(index.size());
      for (const Index patch : index) {
        coverage.rows[static_cast<std::size_t>(patch / grid.width)] += 1.0;
        coverage.columns[static_cast<std::size_t>(patch % grid.width)] += 1.0;
      }
    }
  }
  coverage.length /= masks;
  for (double& share : coverage.rows) share /= masks * static_cast<double>(grid.width);
  for (double& share : coverage.columns) share /= masks * static_cast<double>(grid.height);
  return coverage;
}

std::vector<TokenIndex> context_of(const MultiBlockMasks& masks) { return masks.masks_context; }
std::vector<TokenIndex> targets_of(const MultiBlockMasks& masks) { return masks.masks_target; }

bool overlap(const TokenIndex& a, const TokenIndex& b, Index image, Index cells) {
  const TokenMask in_a = to_token_mask(a, cells);
  for (Index k = 0; k < b.dim(1); ++k) {
    if (in_a(image, b(image, k))) return true;
  }
  return false;
}

}  // namespace

TEST_CASE("reference masks are the collator's, bit for bit") {
  const test::TextFixture golden("masks.txt");
  Index relaxed = 0;
  for (const std::string& name : golden.cases("multi_block")) {
    const auto args = golden.values<double>(name + ".args");
    const auto integer = [&](std::size_t i) { return static_cast<Index>(args[i]); };
    const MultiBlockMaskSampler sampler({.image_size = {integer(2), integer(3)},
                                         .patch_size = integer(4),
                                         .enc_mask_scale = {args[5], args[6]},
                                         .pred_mask_scale = {args[7], args[8]},
                                         .aspect_ratio = {args[9], args[10]},
                                         .nenc = integer(11),
                                         .npred = integer(12),
                                         .min_keep = integer(13),
                                         .allow_overlap = args[14] == 1.0,
                                         .mode = reference});
    Generator generator(static_cast<std::uint64_t>(args[0]));
    for (Index step = 0; step < integer(15); ++step) {
      const MultiBlockMasks masks =
          sampler.sample(integer(1), static_cast<std::uint64_t>(step), generator);
      relaxed += masks.relaxed_masks;
      const std::string call = name + "." + std::to_string(step);
      CAPTURE(call);
      REQUIRE(masks.masks_context.size() == static_cast<std::size_t>(integer(11)));
      REQUIRE(masks.masks_target.size() == static_cast<std::size_t>(integer(12)));
      for (std::size_t i = 0; i < masks.masks_context.size(); ++i) {
        CHECK(masks.masks_context[i] ==
              golden.tensor<Index, 2>(call + ".masks_enc." + std::to_string(i)));
      }
      for (std::size_t i = 0; i < masks.masks_target.size(); ++i) {
        CHECK(masks.masks_target[i] ==
              golden.tensor<Index, 2>(call + ".masks_pred." + std::to_string(i)));
      }
    }
    CHECK(generator.uniform<float>() == golden.values<float>(name + ".next")[0]);
  }
  CHECK(relaxed > 0);  // the rule that gives up targets was exercised
}

TEST_CASE("the reference gives the documented masks for ViT-H/14") {
  const MultiBlockMaskSampler sampler({.patch_size = 14, .mode = reference});
  Generator generator(7);
  const MultiBlockMasks masks = sampler.sample(2, 0, generator);
  const TokenIndex& context = masks.masks_context[0];
  REQUIRE(context.shape() == Shape<2>{2, 87});
  for (Index b = 0; b < 2; ++b) {
    const std::vector<Index> start(context.row(b), context.row(b) + 8);
    CHECK(start == std::vector<Index>{0, 1, 8, 9, 10, 11, 12, 13});
  }
  CHECK(row_sum(context, 0) == 8241);
  CHECK(row_sum(context, 1) == 9027);
  const std::vector<std::pair<Index, Index>> first = {{2, 113}, {118, 135}, {71, 32}, {137, 2}};
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(masks.masks_target[i].shape() == Shape<2>{2, 42});
    CHECK(masks.masks_target[i](0, 0) == first[i].first);
    CHECK(masks.masks_target[i](1, 0) == first[i].second);
  }
}

TEST_CASE("both modes return nenc and npred lists for the batch") {
  for (const MultiBlockMode mode : {reference, unbiased}) {
    for (const bool allow_overlap : {false, true}) {
      const MultiBlockMaskSampler sampler({.image_size = {224, 224},
                                           .patch_size = 32,
                                           .enc_mask_scale = {0.85, 1.0},
                                           .pred_mask_scale = {0.15, 0.2},
                                           .nenc = 1,
                                           .npred = 2,
                                           .min_keep = 4,
                                           .allow_overlap = allow_overlap,
                                           .mode = mode});
      CHECK(sampler.config().grid() == Size{7, 7});
      Generator generator(1);
      const MultiBlockMasks masks = sampler.sample(4, 0, generator);
      REQUIRE(masks.masks_context.size() == 1);
      REQUIRE(masks.masks_target.size() == 2);
      CHECK(masks.masks_context[0].dim(0) == 4);
      CHECK(masks.masks_target[0].dim(0) == 4);
      CHECK(masks.masks_target[1].dim(0) == 4);
    }
  }
}

TEST_CASE("unbiased masks keep their promises for many configs and steps") {
  const std::vector<MultiBlockMaskConfig> configs = {
      {},
      {.patch_size = 14},
      {.image_size = {448, 448}, .nenc = 2},
      {.image_size = {224, 448}},
      {.image_size = {320, 96}, .min_keep = 4},
      {.image_size = {64, 256}, .min_keep = 3},
      {.image_size = {64, 64}, .patch_size = 8, .min_keep = 4},
      {.image_size = {112, 112}, .min_keep = 2, .context_length = 9},
      {.enc_mask_scale = {0.3, 0.6}, .pred_mask_scale = {0.1, 0.15}, .aspect_ratio = {0.3, 3.0}},
      {.pred_mask_scale = {0.2, 0.5}, .npred = 1, .min_keep = 0},
      {.allow_overlap = true},
      {.enc_mask_scale = {1.0, 1.0}, .aspect_ratio = {1.0, 1.0}},
  };
  for (std::size_t c = 0; c < configs.size(); ++c) {
    const MultiBlockMaskConfig& config = configs[c];
    const MultiBlockMaskSampler sampler(config);
    const Index cells = config.grid().count();
    Generator generator(c);
    for (std::uint64_t step = 0; step < 25; ++step) {
      const MultiBlockMasks masks = sampler.sample(5, step, generator);
      CAPTURE(c, step);
      CHECK(masks.relaxed_masks == 0);
      REQUIRE(masks.masks_context.size() == static_cast<std::size_t>(config.nenc));
      REQUIRE(masks.masks_target.size() == static_cast<std::size_t>(config.npred));
      for (const auto* lists : {&masks.masks_context, &masks.masks_target}) {
        for (const TokenIndex& index : *lists) {
          REQUIRE(index.dim(0) == 5);
          REQUIRE(index.dim(1) > config.min_keep);
          check_token_index("test", "index", index, 5, cells);
          for (Index b = 0; b < 5; ++b) {
            const Index* row = index.row(b);
            REQUIRE(std::adjacent_find(row, row + index.dim(1), std::greater_equal<>()) ==
                    row + index.dim(1));
          }
        }
      }
      for (const TokenIndex& target : masks.masks_target) {
        CHECK(target.shape() == masks.masks_target[0].shape());
      }
      for (const TokenIndex& context : masks.masks_context) {
        REQUIRE(context.dim(1) == sampler.context_length());
        for (const TokenIndex& target : masks.masks_target) {
          for (Index b = 0; b < 5 && !config.allow_overlap; ++b) {
            REQUIRE_FALSE(overlap(context, target, b, cells));
          }
        }
      }
    }
  }
}

TEST_CASE("overlap happens if allowed, in both modes") {
  for (const MultiBlockMode mode : {reference, unbiased}) {
    const MultiBlockMaskSampler sampler({.allow_overlap = true, .mode = mode});
    Generator generator(1);
    const MultiBlockMasks masks = sampler.sample(4, 0, generator);
    for (Index b = 0; b < 4; ++b) {
      CHECK(overlap(masks.masks_context[0], masks.masks_target[0], b, 196));
    }
  }
}

TEST_CASE("an image's unbiased masks do not depend on the rest of the batch") {
  const MultiBlockMaskSampler sampler(MultiBlockMaskConfig{});
  for (std::uint64_t step = 0; step < 5; ++step) {
    Generator small(9);
    Generator large(9);
    const MultiBlockMasks few = sampler.sample(3, step, small);
    const MultiBlockMasks many = sampler.sample(64, step, large);
    for (Index b = 0; b < 3; ++b) {
      for (Index k = 0; k < sampler.context_length(); ++k) {
        REQUIRE(few.masks_context[0](b, k) == many.masks_context[0](b, k));
      }
    }
    // Two calls of one step share their sizes: processes with other generators fit together.
    CHECK(sampler.sample(3, step, small).masks_target[0].shape() == few.masks_target[0].shape());
  }
}

TEST_CASE("sampling resumes from its step and its generator") {
  for (const MultiBlockMode mode : {reference, unbiased}) {
    const MultiBlockMaskSampler sampler({.mode = mode});
    Generator generator(4);
    for (std::uint64_t step = 0; step < 3; ++step) sampler.sample(2, step, generator);
    Generator restored(generator.state());
    const MultiBlockMasks next = sampler.sample(2, 3, generator);
    const MultiBlockMasks resumed = MultiBlockMaskSampler(sampler.config()).sample(2, 3, restored);
    CHECK(resumed.masks_context == next.masks_context);
    CHECK(resumed.masks_target == next.masks_target);
  }
}

TEST_CASE("coverage: the reference starves the bottom, the unbiased mode does not") {
  constexpr Index images = 6144;
  std::vector<Coverage> biased;
  std::vector<Coverage> even;
  std::string report;
  for (const Index batch : {8, 32, 128}) {
    biased.push_back(coverage_of({.mode = reference}, batch, images, context_of));
    even.push_back(coverage_of({.mode = unbiased}, batch, images, context_of));
    report += concat("batch ", batch, "\n  reference: ", biased.back().text(),
                     "\n  unbiased:  ", even.back().text(), "\n");
  }
  INFO(report);

  for (std::size_t i = 0; i < 3; ++i) {
    // Reference: nothing at all in the last row and column, little above it.
    CHECK(biased[i].rows[13] == 0.0);
    CHECK(biased[i].columns[13] == 0.0);
    CHECK(biased[i].rows[0] > 4.0 * biased[i].rows[12]);
    // Unbiased: no row or column has more than 1.2 times the context of another.
    CHECK(even[i].unevenness() < 1.2);
    for (std::size_t line = 0; line < 7; ++line) {  // mirrored lines fare alike
      CHECK(even[i].rows[line] == test::near(even[i].rows[13 - line], 0.025));
      CHECK(even[i].columns[line] == test::near(even[i].columns[13 - line], 0.025));
    }
    CHECK(even[i].length == even[0].length);
  }
  // The reference's context shrinks as the batch grows.
  CHECK(biased[2].length < biased[1].length);
  CHECK(biased[1].length < biased[0].length);
}

TEST_CASE("coverage: one large target leaves less to choose from") {
  const auto unevenness = [](const MultiBlockMaskConfig& config) {
    return coverage_of(config, 2, 3000, context_of).unevenness();
  };
  const double large = unevenness({.pred_mask_scale = {0.3, 0.4}, .npred = 1});
  CHECK(large > 1.2);
  CHECK(large < 1.4);
}

TEST_CASE("coverage: the unbiased mode is even on other grids and for several contexts") {
  for (const MultiBlockMaskConfig& config : {MultiBlockMaskConfig{.image_size = {448, 448}},
                                             {.image_size = {224, 448}},
                                             {.image_size = {96, 96}, .patch_size = 8},
                                             {.nenc = 2}}) {
    const Coverage even = coverage_of(config, 2, 3000, context_of);
    INFO(concat("grid ", config.grid(), ", nenc ", config.nenc, ": ", even.text()));
    CHECK(even.unevenness() < 1.2);
  }
}

TEST_CASE("unbiased targets reach every row and column, reference targets do not") {
  for (const Size& image : {Size{224, 224}, {160, 320}}) {
    const Coverage even =
        coverage_of({.image_size = image, .mode = unbiased}, 32, 2048, targets_of);
    const Coverage biased =
        coverage_of({.image_size = image, .mode = reference}, 32, 2048, targets_of);
    INFO("reference: " << biased.text() << "\nunbiased: " << even.text());
    CHECK(biased.rows.back() == 0.0);
    CHECK(biased.columns.back() == 0.0);
    CHECK(even.rows.front() == test::near(even.rows.back(), 0.02));
    CHECK(even.columns.front() == test::near(even.columns.back(), 0.02));
    CHECK(*std::min_element(even.rows.begin(), even.rows.end()) > 0.01);
    CHECK(*std::min_element(even.columns.begin(), even.columns.end()) > 0.01);
  }
}

TEST_CASE("unbiased scale and aspect ratio vary apart") {
  const MultiBlockMaskSampler sampler({.image_size = {448, 448}});
  std::vector<Index> counts;
  Generator generator(1);
  for (std::uint64_t step = 0; step < 60; ++step) {
    counts.push_back(sampler.sample(1, step, generator).masks_target[0].dim(1));
  }
  const auto [least, most] = std::minmax_element(counts.begin(), counts.end());
  CHECK(*least < 130);  // of 784, scale 0.15 to 0.2
  CHECK(*most > 145);
}

TEST_CASE("the reference refuses steps on which the collator would never return") {
  const MultiBlockMaskSampler small({.image_size = {64, 64}, .mode = reference});
  Generator generator(1);
  REQUIRE_THROWS_WITH(small.sample(2, 0, generator),
                      "MultiBlockMaskSampler: no valid target mask: step 0 has blocks of 1 x 1 "
                      "patches (grid 4 x 4, enc_mask_scale [0.85, 1], pred_mask_scale [0.15, 0.2], "
                      "aspect_ratio [0.75, 1.5], npred 4, min_keep 10)");
  const MultiBlockMaskSampler narrow({.enc_mask_scale = {0.01, 0.02}, .mode = reference});
  REQUIRE_THROWS_WITH(narrow.sample(2, 0, generator),
                      "MultiBlockMaskSampler: no valid context mask: step 0 has blocks of 2 x 2 "
                      "patches (grid 14 x 14, enc_mask_scale [0.01, 0.02], pred_mask_scale [0.15, "
                      "0.2], aspect_ratio [0.75, 1.5], npred 4, min_keep 10)");
  const MultiBlockMaskSampler line({.image_size = {16, 224}, .min_keep = 0, .mode = reference});
  REQUIRE_THROWS_AS(line.sample(2, 0, generator), std::invalid_argument);
  CHECK(generator == Generator(1));
}

TEST_CASE("sampler errors") {
  for (const MultiBlockMode mode : {reference, unbiased}) {
    const MultiBlockMaskSampler sampler({.mode = mode});
    Generator generator(1);
    REQUIRE_THROWS_WITH(sampler.sample(0, 0, generator),
                        "MultiBlockMaskSampler: batch = 0 must be at least 1");
    CHECK(generator == Generator(1));
  }
  REQUIRE_THROWS_AS(MultiBlockMaskSampler({.image_size = {64, 64}}), std::invalid_argument);
  REQUIRE_THROWS_AS(MultiBlockMaskSampler({.patch_size = 15}), std::invalid_argument);
  REQUIRE_THROWS_AS(MultiBlockMaskSampler({.patch_size = 0}), std::invalid_argument);
}

TEST_CASE("a multi-block mask can be printed") {
  const MultiBlockMaskSampler sampler({.image_size = {64, 64}, .patch_size = 8, .min_keep = 4});
  Generator generator(2);
  const MultiBlockMasks masks = sampler.sample(1, 0, generator);
  const std::string text =
      draw_tokens({{masks.masks_context[0], '#'}, {masks.masks_target[0], '0'}}, 0, {8, 8});
  CHECK(std::count(text.begin(), text.end(), '\n') == 8);
  CHECK(std::count(text.begin(), text.end(), '#') == sampler.context_length());
  CHECK(std::count(text.begin(), text.end(), '0') == masks.masks_target[0].dim(1));
}
