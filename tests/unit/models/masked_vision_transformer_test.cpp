#include "tessera/models/masked_vision_transformer.hpp"

#include "support/catch.hpp"
#include "support/close.hpp"
#include "support/models/tiny_models.hpp"
#include "support/near.hpp"
#include "support/throws.hpp"
#include "support/weighted_sum.hpp"
#include "tessera/masking/token_mask.hpp"

// Behaviors of lightly's MaskedVisionTransformer that have no counterpart here: the forwarding of
// pos_embed_initialization (positions are a field of the config), re-initialization of a wrapped
// model, and what its torchvision variant refuses.

namespace tessera::test {
namespace {

using Encoder = MaskedVisionTransformer<double>;

/// 7 x 7 patches, as ViT-B/32 has at 224 pixels.
MaskedVisionTransformerConfig seven_by_seven() {
  return {.image_size = {28, 28},
          .patch_size = 4,
          .embed_dim = 16,
          .depth = 1,
          .num_heads = 2,
          .mlp_ratio = 1};
}

Encoder random_encoder(const MaskedVisionTransformerConfig& config) {
  return random_model<MaskedVisionTransformer>(config);
}

bool is_finite(const Values& values) { return distance(values, values) == 0; }

std::string construction_error(auto change) {
  MaskedVisionTransformerConfig config = tiny_encoder();
  change(config);
  return error_of([&] { Encoder encoder(config); });
}

TEST_CASE("encoder: the sequence is prefix tokens and patches") {
  MaskedVisionTransformerConfig config = seven_by_seven();
  CHECK(Encoder(config).sequence_length() == 49 + 1);
  config.reg_tokens = 4;
  CHECK(Encoder(config).sequence_length() == 49 + 5);
  config.class_token = false;
  CHECK(Encoder(config).num_prefix_tokens() == 4);
  config.reg_tokens = 0;
  CHECK(Encoder(config).sequence_length() == 49);
  CHECK(Encoder(tiny_encoder()).grid() == Size{3, 4});
}

TEST_CASE("encoder: starts with zero tokens, a frozen table, and learned positions free") {
  MaskedVisionTransformerConfig config = tiny_encoder();
  const Encoder fixed(config);
  CHECK(fixed.mask_token.value == Tensor<double, 3>({1, 1, 12}));
  CHECK(fixed.mask_token.trainable);
  CHECK(fixed.cls_token->trainable);
  CHECK_FALSE(fixed.pos_embed.trainable);
  CHECK(fixed.pos_embed.value == sincos_position_embedding<double>(12, {3, 4}, 1));
  config.pos_embed = PositionEmbedding::learned;
  CHECK(Encoder(config).pos_embed.trainable);
  CHECK(Encoder(config).pos_embed.value == Tensor<double, 3>({1, 13, 12}));
  config.no_embed_class = true;
  CHECK(Encoder(config).pos_embed.value.shape() == Shape<3>{1, 12, 12});
}

TEST_CASE("encoder: drop path grows linearly from the first block to the last") {
  MaskedVisionTransformerConfig config = tiny_encoder();
  config.depth = 5;
  config.drop_path_rate = 0.2;
  const Encoder encoder(config);
  for (std::size_t i = 0; i < 5; ++i) {
    CHECK(encoder.blocks[i].drop_path_rate == near(0.05 * static_cast<double>(i), 1e-15));
  }
  config.depth = 1;
  CHECK(Encoder(config).blocks[0].drop_path_rate == 0);
}

TEST_CASE("encoder: forward is finite for every selection") {
  const Encoder encoder = random_encoder(seven_by_seven());
  const auto images = random_tensor<4>({8, 3, 28, 28}, 1);
  Generator generator(2);
  const KeepMask masks = random_token_mask({8, 50}, {.mask_ratio = 0.6}, generator);
  const TokenMask mask = to_token_mask(masks.idx_mask, 50);
  for (const bool keep : {false, true}) {
    for (const std::string masking : {"none", "idx_mask", "mask"}) {
      TokenSelection selection;
      if (keep) selection.idx_keep = masks.idx_keep;
      if (masking == "idx_mask") selection.idx_mask = masks.idx_mask;
      if (masking == "mask") selection.mask = mask;
      const Index length = keep ? 20 : 50;
      const auto features = encoder.forward(images, selection);
      CHECK(features.shape() == Shape<2>{8, 16});
      CHECK(is_finite(values_of(features.value())));
      const auto encoded = encoder.encode(images, selection);
      CHECK(encoded.shape() == Shape<3>{8, length, 16});
      CHECK(is_finite(values_of(encoded.value())));
      const auto all = encoder.forward_intermediates(images, selection);
      CHECK(all.output.value() == encoded.value());
      REQUIRE(all.blocks.size() == 1);
      CHECK(all.blocks[0].shape() == encoded.shape());
      CHECK(is_finite(values_of(all.blocks[0].value())));
    }
  }
}

TEST_CASE("encoder: masked tokens become the mask token, and only they") {
  Encoder encoder = random_encoder(seven_by_seven());
  for (double& value : encoder.mask_token.value) value = 10000;
  const auto images = random_tensor<4>({8, 3, 28, 28}, 1);
  Generator generator(2);
  const KeepMask masks = random_token_mask({8, 50}, {.mask_ratio = 0.6}, generator);
  const TokenMask mask = to_token_mask(masks.idx_mask, 50);
  const auto check = [&](const TokenSelection& selection, Index length, Index masked) {
    const auto tokens = encoder.preprocess(images, selection).value();
    CHECK(tokens.shape() == Shape<3>{8, length, 16});
    CHECK(std::count_if(tokens.begin(), tokens.end(), [](double x) { return x > 1000; }) ==
          8 * masked * 16);
  };
  REQUIRE(masks.idx_mask.dim(1) == 30);
  check({}, 50, 0);
  check({.idx_mask = masks.idx_mask, .idx_keep = masks.idx_keep}, 20, 0);
  check({.idx_mask = masks.idx_mask}, 50, 30);
  check({.mask = mask}, 50, 30);
  check({.idx_mask = masks.idx_mask, .idx_keep = masks.idx_mask}, 30, 30);
}

TEST_CASE("encoder: a masked token is the mask token plus its position") {
  const Encoder encoder = random_encoder(tiny_encoder());
  const TokenIndex idx_mask({2, 2}, {0, 5, 12, 3});
  const auto tokens = encoder.preprocess(tiny_images(), {.idx_mask = idx_mask}).value();
  for (Index b = 0; b < 2; ++b) {
    for (Index k = 0; k < 2; ++k) {
      for (Index c = 0; c < 12; ++c) {
        CHECK(tokens(b, idx_mask(b, k), c) ==
              encoder.mask_token.value(0, 0, c) + encoder.pos_embed.value(0, idx_mask(b, k), c));
      }
    }
  }
}

TEST_CASE("encoder: embedding the kept patches alone is embedding all and keeping some") {
  for (const bool class_token : {true, false}) {
    for (const Index registers : {0, 3}) {
      for (const bool no_embed_class : {false, true}) {
        MaskedVisionTransformerConfig config = tiny_encoder();
        config.class_token = class_token;
        config.reg_tokens = registers;
        config.no_embed_class = no_embed_class;
        const Encoder encoder = random_encoder(config);
        const auto images = tiny_images();
        const TokenIndex idx_keep({2, 4}, {11, 0, 4, 4, 2, 9, 1, 0});
        const auto all = encoder.preprocess(images).value();
        check_close(encoder.preprocess(images, {.idx_keep = idx_keep}).value(),
                    get_at_index(Var(all), idx_keep).value());
        const TokenIndex none({2, 0});
        CHECK(encoder.encode(images, {.idx_keep = none}).shape() == Shape<3>{2, 0, 12});
      }
    }
  }
}

TEST_CASE("encoder: the steps of preprocess one by one") {
  for (const bool class_token : {true, false}) {
    MaskedVisionTransformerConfig config = seven_by_seven();
    config.class_token = class_token;
    const Encoder encoder = random_encoder(config);
    const Index length = class_token ? 50 : 49;
    const Var<double, 4> images(random_tensor<4>({2, 3, 28, 28}, 1));
    const auto tokens = encoder.images_to_tokens(images);
    CHECK(tokens.shape() == Shape<3>{2, 49, 16});
    CHECK(is_finite(values_of(tokens.value())));
    const auto sequence = encoder.prepend_prefix_tokens(tokens);
    CHECK(sequence.shape() == Shape<3>{2, length, 16});
    const auto placed = encoder.add_pos_embed(sequence);
    CHECK(placed.shape() == Shape<3>{2, length, 16});
    CHECK(placed.value() == encoder.preprocess(images).value());
  }
}

TEST_CASE("encoder: prefix tokens are the class token, then the registers") {
  MaskedVisionTransformerConfig config = tiny_encoder();
  config.reg_tokens = 2;
  const Encoder encoder = random_encoder(config);
  const auto sequence = encoder.prepend_prefix_tokens(Var(Tensor<double, 3>({2, 12, 12}))).value();
  for (Index b = 0; b < 2; ++b) {
    for (Index c = 0; c < 12; ++c) {
      CHECK(sequence(b, 0, c) == encoder.cls_token->value(0, 0, c));
      CHECK(sequence(b, 1, c) == encoder.reg_token->value(0, 0, c));
      CHECK(sequence(b, 2, c) == encoder.reg_token->value(0, 1, c));
    }
  }
}

TEST_CASE("encoder: the resampling filter is the one that is asked for") {
  MaskedVisionTransformerConfig config = tiny_encoder();
  const Encoder antialias = random_encoder(config);
  config.resampling = kernels::Bicubic::plain;
  const Encoder plain = random_encoder(config);
  const auto larger = random_tensor<4>({1, 2, 20, 24}, 1);
  CHECK(antialias.encode(larger).shape() == Shape<3>{1, 31, 12});
  CHECK(distance(values_of(antialias.preprocess(larger).value()),
                 values_of(plain.preprocess(larger).value())) > 1e-3);
  CHECK(antialias.preprocess(tiny_images()).value() == plain.preprocess(tiny_images()).value());
}

TEST_CASE("encoder: pooling takes the class token or the mean of the patches") {
  MaskedVisionTransformerConfig config = tiny_encoder();
  const Encoder token = random_encoder(config);
  const auto tokens = token.encode(tiny_images());
  CHECK(token.forward(tiny_images()).value() == select_token(tokens, 0).value());
  config.global_pool = GlobalPool::avg;
  const Encoder avg = random_encoder(config);
  CHECK(avg.forward(tiny_images()).value() == mean_tokens(tokens, 1).value());
  config.class_token = false;
  config.global_pool = GlobalPool::token;
  const Encoder without = random_encoder(config);
  CHECK(error_of([&] { without.forward(tiny_images()); }) ==
        "MaskedVisionTransformer::pool: global_pool is token, but the model has neither class "
        "token nor registers");
}

TEST_CASE("encoder: fc_norm replaces norm") {
  MaskedVisionTransformerConfig config = tiny_encoder();
  config.global_pool = GlobalPool::avg;
  config.fc_norm = true;
  const Encoder encoder = random_encoder(config);
  CHECK_FALSE(encoder.norm.has_value());
  REQUIRE(encoder.fc_norm.has_value());
  const auto blocks = encoder.run_blocks(encoder.preprocess(tiny_images()));
  CHECK(encoder.encode(tiny_images()).value() == blocks.value());
  CHECK(encoder.forward(tiny_images()).value() ==
        (*encoder.fc_norm)(mean_tokens(blocks, 1)).value());
}

TEST_CASE("encoder: without blocks it is the norm of what preprocess gives") {
  MaskedVisionTransformerConfig config = tiny_encoder();
  config.depth = 0;
  const Encoder encoder = random_encoder(config);
  CHECK(encoder.encode(tiny_images()).value() ==
        (*encoder.norm)(encoder.preprocess(tiny_images())).value());
}

TEST_CASE("encoder: what makes no model is refused") {
  using Config = MaskedVisionTransformerConfig;
  const double nan = std::nan("");
  CHECK(construction_error([](Config& c) { c.embed_dim = 0; }) ==
        "MaskedVisionTransformer: embed_dim = 0 must be positive");
  CHECK(construction_error([](Config& c) { c.embed_dim = 10; }) ==
        "sincos_position_embedding: dim = 10 must be a positive multiple of 4");
  CHECK(construction_error([](Config& c) { c.depth = -1; }) ==
        "MaskedVisionTransformer: depth = -1 is negative");
  CHECK(construction_error([](Config& c) { c.reg_tokens = -1; }) ==
        "MaskedVisionTransformer: reg_tokens = -1 is negative");
  CHECK(construction_error([](Config& c) { c.num_heads = 0; }) ==
        "Attention: num_heads = 0 must be positive and divide dim = 12");
  CHECK(construction_error([](Config& c) { c.num_heads = 5; }) ==
        "Attention: num_heads = 5 must be positive and divide dim = 12");
  CHECK(construction_error([](Config& c) { c.in_chans = 0; }) ==
        "PatchEmbed: in_chans = 0, dim = 12 and patch_size = 4 must be positive");
  CHECK(construction_error([](Config& c) { c.patch_size = 5; }) ==
        "MaskedVisionTransformer: image size 12 x 16 is not a positive multiple of the patch "
        "size 5");
  CHECK(construction_error([](Config& c) { c.patch_size = 0; }) ==
        "MaskedVisionTransformer: patch size 0 must be positive");
  CHECK(construction_error([](Config& c) { c.image_size = {0, 16}; }) ==
        "MaskedVisionTransformer: image size 0 x 16 is not a positive multiple of the patch "
        "size 4");
  CHECK(construction_error([=](Config& c) { c.mlp_ratio = nan; }) ==
        "MaskedVisionTransformer: mlp_ratio = nan must be finite and positive");
  CHECK(construction_error([=](Config& c) { c.layer_norm_eps = nan; }) ==
        "LayerNorm: eps = nan must be finite and not negative");
  CHECK(construction_error([=](Config& c) { c.init_values = nan; }) ==
        "LayerScale: init_value = nan must be finite");
  CHECK(construction_error([=](Config& c) { c.drop_path_rate = nan; }) ==
        "MaskedVisionTransformer: drop_path_rate = nan is outside [0, 1)");
  CHECK(construction_error([](Config& c) { c.proj_drop_rate = 1; }) ==
        "MaskedVisionTransformer: proj_drop_rate = 1 is outside [0, 1)");
  CHECK(construction_error([](Config& c) { c.fc_norm = true; }) ==
        "MaskedVisionTransformer: fc_norm normalizes an average, but global_pool is token");
  CHECK(construction_error([](Config& c) { c.mlp_ratio = 1e300; }) ==
        "MaskedVisionTransformer: mlp_ratio = 1e+300 makes a hidden layer of 1.2e+301");
  const Index huge = Index{1} << 34;
  CHECK(construction_error([=](Config& c) { c.image_size = {huge, huge}; }) ==
        "Size: 4294967296 x 4294967296 is too large");
}

TEST_CASE("encoder: input that does not fit is refused and records nothing") {
  const Encoder encoder = random_encoder(tiny_encoder());
  const auto refused = [&](const Tensor<double, 4>& images, const TokenSelection& selection = {}) {
    Tape<double> tape;
    const std::string text =
        error_of([&] { encoder.encode(Var<double, 4>(images, &tape), selection); });
    CHECK(tape.entries() == 0);
    return text;
  };
  const auto images = tiny_images();
  const TokenIndex index({2, 1});
  CHECK(refused(images, {.idx_mask = index, .mask = TokenMask({2, 13})}) ==
        "MaskedVisionTransformer::preprocess: idx_mask and mask cannot both be set at the same "
        "time");
  CHECK(refused(Tensor<double, 4>({0, 2, 12, 16})) ==
        "MaskedVisionTransformer::preprocess: images [0, 2, 12, 16] is an empty batch");
  CHECK(refused(Tensor<double, 4>({2, 2, 12, 18})) ==
        "MaskedVisionTransformer::preprocess: image size 12 x 18 is not a positive multiple of "
        "the patch size 4");
  CHECK(refused(Tensor<double, 4>({2, 3, 12, 16})) ==
        "PatchEmbed: images [2, 3, 12, 16] must have the 2 channels of weight [12, 2, 4, 4]");
  CHECK(refused(images, {.idx_keep = TokenIndex({2, 2}, {0, 1, 2, 13})}) ==
        "MaskedVisionTransformer::preprocess: idx_keep(1, 1) = 13 is outside [0, 13)");
  CHECK(refused(images, {.idx_keep = TokenIndex({2, 2}, {0, -1, 2, 3})}) ==
        "MaskedVisionTransformer::preprocess: idx_keep(0, 1) = -1 is outside [0, 13)");
  CHECK(refused(images, {.idx_keep = TokenIndex({3, 1})}) ==
        "MaskedVisionTransformer::preprocess: idx_keep [3, 1] must have 2 rows, one per image");
  CHECK(refused(images, {.idx_mask = TokenIndex({2, 2}, {0, 1, 13, 2})}) ==
        "MaskedVisionTransformer::preprocess: idx_mask(1, 0) = 13 is outside [0, 13)");
  CHECK(refused(images, {.mask = TokenMask({2, 12})}) ==
        "MaskedVisionTransformer::preprocess: mask [2, 12] must be [2, 13], one per token");
  CHECK(error_of([&] { encoder.add_pos_embed(Var(Tensor<double, 3>({2, 12, 12}))); }) ==
        "add_positions: tokens [2, 12, 12] must have the 13 places of positions [1, 13, 12]");
}

}  // namespace
}  // namespace tessera::test
