#include "tessera/nn/patch_embed.hpp"

#include "support/catch.hpp"
#include "support/close.hpp"
#include "support/gradients.hpp"
#include "support/models/random_model.hpp"
#include "support/near.hpp"
#include "support/throws.hpp"

namespace tessera::test {
namespace {

TEST_CASE("PatchEmbed: is the convolution, written as loops") {
  PatchEmbed<double> embed(2, 5, 3);
  randomize(embed, 1);
  CHECK(embed.patch_size() == 3);
  CHECK(embed.in_chans() == 2);
  const auto images = random_tensor<4>({2, 2, 6, 9}, 2);
  Tensor<double, 3> expected({2, 6, 5});
  for (Index b = 0; b < 2; ++b) {
    for (Index token = 0; token < 6; ++token) {
      for (Index d = 0; d < 5; ++d) {
        double sum = embed.proj.bias.value(d);
        for (Index c = 0; c < 2; ++c) {
          for (Index y = 0; y < 3; ++y) {
            for (Index x = 0; x < 3; ++x) {
              sum += embed.proj.weight.value(d, c, y, x) *
                     images(b, c, token / 3 * 3 + y, token % 3 * 3 + x);
            }
          }
        }
        expected(b, token, d) = sum;
      }
    }
  }
  check_close(embed(Var(images)).value(), expected);

  const TokenIndex idx({2, 3}, {7, 2, 4, 3, 3, 5});  // two prefix tokens come first
  const auto some = embed.at_index(Var(images), idx, 2).value();
  for (Index b = 0; b < 2; ++b) {
    for (Index k = 0; k < 3; ++k) {
      for (Index d = 0; d < 5; ++d) {
        CHECK(some(b, k, d) == near(expected(b, idx(b, k) - 2, d), 1e-14));
      }
    }
  }
}

TEST_CASE("PatchEmbed: gradients") {
  WithInput model(PatchEmbed<double>(2, 3, 2), random_tensor<4>({2, 2, 4, 6}, 3));
  CHECK(gradient_error("PatchEmbed", model, [&](Tape<double>* tape) {
          return random_sum(model.module(model.input.on(tape)));
        }) == "");
  const TokenIndex idx({2, 3}, {1, 6, 3, 2, 2, 5});
  CHECK(gradient_error("PatchEmbed, some tokens", model, [&](Tape<double>* tape) {
          return random_sum(model.module.at_index(model.input.on(tape), idx, 1));
        }) == "");
}

TEST_CASE("PatchEmbed: what does not fit is refused") {
  CHECK(error_of([] { PatchEmbed<float>(0, 4, 2); }) ==
        "PatchEmbed: in_chans = 0, dim = 4 and patch_size = 2 must be positive");
  const PatchEmbed<float> embed(3, 4, 2);
  CHECK(error_of([&] { embed(Var(Tensor<float, 4>({1, 2, 4, 4}))); }) ==
        "PatchEmbed: images [1, 2, 4, 4] must have the 3 channels of weight [4, 3, 2, 2]");
  CHECK(error_of([&] {
          embed.at_index(Var(Tensor<float, 4>({1, 2, 4, 4})), TokenIndex({1, 0}), 0);
        }) == "PatchEmbed: images [1, 2, 4, 4] must have the 3 channels of weight [4, 3, 2, 2]");
  CHECK(error_of([&] { embed(Var(Tensor<float, 4>({1, 3, 4, 5}))); }) ==
        "unfold_patches: the height and width of images [1, 3, 4, 5] must be multiples of "
        "patch = 2");
  CHECK(error_of([&] {
          embed.at_index(Var(Tensor<float, 4>({1, 3, 4, 4})), TokenIndex({1, 2}, {0, 5}), 1);
        }) == "unfold_patches_at_index: idx(0, 1) = 5 is outside [0, 5)");
}

}  // namespace
}  // namespace tessera::test
