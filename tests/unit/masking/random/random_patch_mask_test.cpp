#include "tessera/masking/random/random_patch_mask.hpp"

#include <limits>

#include "support/catch.hpp"
#include "support/text_fixture.hpp"
#include "tessera/masking/random/random_token_mask.hpp"
#include "tessera/masking/token_mask.hpp"

using namespace tessera;

TEST_CASE("random_patch_mask follows the published formula, bit for bit") {
  const test::TextFixture golden("masks.txt");
  for (const std::string& name : golden.cases("random_patch_mask")) {
    const auto args = golden.values<double>(name + ".args");
    Generator generator(static_cast<std::uint64_t>(args[0]));
    const PatchMask mask =
        random_patch_mask({static_cast<Index>(args[1]), static_cast<Index>(args[2])},
                          {.mask_ratio = args[3]}, generator);
    CAPTURE(name);
    CHECK(mask.idx_keep == golden.tensor<Index, 2>(name + ".idx_keep"));
    CHECK(mask.idx_mask == golden.tensor<Index, 2>(name + ".idx_mask"));
    CHECK(mask.ids_restore == golden.tensor<Index, 2>(name + ".ids_restore"));
    CHECK(mask.mask == golden.tensor<bool, 2>(name + ".mask"));
  }
}

TEST_CASE("patch_mask_from_noise orders by noise") {
  Tensor<double, 2> noise({2, 16});
  for (Index i = 0; i < 32; ++i) {
    const double turns = 0.618033988749895 * static_cast<double>(i + 1);
    noise.data()[i] = turns - std::floor(turns);
  }
  const PatchMask mask = patch_mask_from_noise(noise, 0.75);
  CHECK(mask.idx_keep == TokenIndex({2, 4}, {12, 4, 9, 1, 9, 1, 14, 6}));
  CHECK(mask.idx_mask == TokenIndex({2, 12}, {14, 6, 11, 3, 8,  0, 13, 5, 10, 2, 15, 7,  //
                                              11, 3, 8,  0, 13, 5, 10, 2, 15, 7, 12, 4}));
}

TEST_CASE("ids_restore undoes the shuffle and mask marks the removed patches") {
  Generator generator(3);
  for (const double ratio : {0.0, 0.4, 0.75, 1.0}) {
    const PatchMask mask = random_patch_mask({4, 23}, {.mask_ratio = ratio}, generator);
    const Index kept = mask.idx_keep.dim(1);
    CHECK(is_partition(mask.idx_keep, mask.idx_mask, 23));
    CHECK(mask.mask == to_token_mask(mask.idx_mask, 23));
    for (Index b = 0; b < 4; ++b) {
      for (Index patch = 0; patch < 23; ++patch) {
        const Index place = mask.ids_restore(b, patch);
        const Index there = place < kept ? mask.idx_keep(b, place) : mask.idx_mask(b, place - kept);
        CHECK(there == patch);
      }
    }
  }
}

TEST_CASE("to_keep_mask is the split that lightly's token masks have") {
  // With one protected token before it, equal noise gives the same patches, one further.
  const Tensor<float, 2> noise({1, 4}, {0.3F, 0.1F, 0.9F, 0.2F});
  const KeepMask tokens = to_keep_mask(patch_mask_from_noise(noise, 0.5), 1);
  CHECK(tokens.idx_keep == TokenIndex({1, 3}, {0, 2, 4}));
  CHECK(tokens.idx_mask == TokenIndex({1, 2}, {1, 3}));

  Generator generator(8);
  const PatchMask patches = random_patch_mask({3, 12}, {}, generator);
  CHECK(is_partition(to_keep_mask(patches, 5).idx_keep, to_keep_mask(patches, 5).idx_mask, 17));
  CHECK(to_keep_mask(patches, 0).idx_keep == patches.idx_keep);
}

TEST_CASE("random_patch_mask errors") {
  Generator generator(1);
  REQUIRE_THROWS_WITH(random_patch_mask({2, 0}, {}, generator),
                      "random_patch_mask: size [2, 0] must be at least 1 on every axis");
  REQUIRE_THROWS_WITH(random_patch_mask({2, 4}, {.mask_ratio = -1}, generator),
                      "random_patch_mask: mask_ratio = -1 is outside [0, 1]");
  CHECK(generator == Generator(1));
  Tensor<double, 2> noise({1, 3}, {0.1, std::numeric_limits<double>::quiet_NaN(), 0.2});
  REQUIRE_THROWS_WITH(patch_mask_from_noise(noise, 0.5),
                      "patch_mask_from_noise: noise(0, 1) = nan is not finite");
  REQUIRE_THROWS_WITH(to_keep_mask(patch_mask_from_noise(Tensor<float, 2>({1, 2}), 0.5), -1),
                      "to_keep_mask: num_prefix_tokens = -1 is negative");
}
