#include "tessera/models/masked_vision_transformer_decoder.hpp"

#include "support/catch.hpp"
#include "support/close.hpp"
#include "support/models/predict_scattered.hpp"
#include "support/models/tiny_models.hpp"
#include "support/throws.hpp"
#include "support/weighted_sum.hpp"

// Behaviors of lightly's decoder tests that have no counterpart here: deprecated classes and names
// of old checkpoints. That its decode is the old decoder's is in mae_golden_test.cpp.

namespace tessera::test {
namespace {

using Decoder = MaskedVisionTransformerDecoder<double>;

Decoder random_decoder(const MaskedVisionTransformerDecoderConfig& config = tiny_decoder()) {
  return random_model<MaskedVisionTransformerDecoder>(config);
}

/// Places 0 (the prefix) and some patches; places 9 to 12 are neither context nor target.
const TokenIndex idx_context({2, 4}, {0, 3, 1, 7, 5, 0, 2, 8});
const TokenIndex idx_target({2, 3}, {2, 8, 6, 7, 1, 4});

Tensor<double, 3> context_tokens(Index count = 4) { return random_tensor<3>({2, count, 8}, 51); }

double apart(const Var<double, 3>& a, const Var<double, 3>& b) {
  return distance(values_of(a.value()), values_of(b.value()));
}

TEST_CASE("decoder: constructs with 7 x 7 patches and keeps the shape of its input") {
  const Decoder decoder =
      random_decoder({.grid = {7, 7}, .embed_dim = 16, .depth = 2, .num_heads = 4});
  CHECK(decoder.sequence_length() == 50);
  const auto decoded = decoder.forward(Var(random_tensor<3>({8, 50, 16}, 1)));
  CHECK(decoded.shape() == Shape<3>{8, 50, 16});
  CHECK(apart(decoded, decoded) == 0);  // finite
}

TEST_CASE("decoder: its positions are a frozen table with zero rows for the prefix") {
  const Decoder decoder(
      {.grid = {7, 7}, .num_prefix_tokens = 8, .embed_dim = 16, .depth = 1, .num_heads = 2});
  CHECK(decoder.sequence_length() == 49 + 8);
  CHECK(decoder.pos_embed.value.shape() == Shape<3>{1, 57, 16});
  CHECK_FALSE(decoder.pos_embed.trainable);
  CHECK(decoder.mask_token.trainable);
  CHECK(decoder.pos_embed.value == sincos_position_embedding<double>(16, {7, 7}, 8));
}

TEST_CASE("decoder: every block has the same drop path rate") {
  MaskedVisionTransformerDecoderConfig config = tiny_decoder();
  config.drop_path_rate = 0.3;
  for (const auto& block : Decoder(config).blocks) CHECK(block.drop_path_rate == 0.3);
}

TEST_CASE("decoder: preprocess masks and keeps the rows that are asked for") {
  Decoder decoder = random_decoder();
  for (double& value : decoder.pos_embed.value) value = 0;
  const auto x = random_tensor<3>({2, 13, 8}, 2);
  const TokenIndex idx({2, 3}, {1, 2, 3, 12, 0, 5});
  const auto is_mask_token = [&](const Tensor<double, 3>& tokens, Index row) {
    return std::equal(tokens.row(row), tokens.row(row + 1), decoder.mask_token.value.begin());
  };

  TokenMask mask({2, 13}, false);
  for (Index b = 0; b < 2; ++b) {
    for (Index k = 0; k < 3; ++k) mask(b, idx(b, k)) = true;
  }
  for (const TokenSelection& selection :
       {TokenSelection{.idx_mask = idx}, TokenSelection{.mask = mask}}) {
    const auto tokens = decoder.preprocess(Var(x), selection).value();
    REQUIRE(tokens.shape() == x.shape());
    for (Index row = 0; row < 26; ++row) {
      if (mask.data()[row]) {
        CHECK(is_mask_token(tokens, row));
      } else {
        CHECK(std::equal(tokens.row(row), tokens.row(row + 1), x.row(row)));
      }
    }
  }
  const auto kept = decoder.preprocess(Var(x), {.idx_keep = idx}).value();
  REQUIRE(kept.shape() == Shape<3>{2, 3, 8});
  for (Index b = 0; b < 2; ++b) {
    for (Index k = 0; k < 3; ++k) {
      CHECK(std::equal(kept.row(b * 3 + k), kept.row(b * 3 + k + 1), x.row(b * 13 + idx(b, k))));
    }
  }
}

TEST_CASE("decoder: what stands at masked places does not matter") {
  const Decoder decoder = random_decoder();
  auto x = random_tensor<3>({2, 13, 8}, 2);
  const auto before = decoder.forward(Var(x), {.idx_mask = idx_target});
  for (Index c = 0; c < 8; ++c) x(0, 2, c) = 100;
  CHECK(decoder.forward(Var(x), {.idx_mask = idx_target}).value() == before.value());
}

TEST_CASE("decoder: forward is decode of preprocess, decode_last its last rows") {
  const Decoder decoder = random_decoder();
  const auto x = random_tensor<3>({2, 13, 8}, 2);
  const auto decoded = decoder.decode(decoder.preprocess(Var(x)));
  CHECK(decoder.forward(Var(x)).value() == decoded.value());
  const auto placed = decoder.preprocess(Var(x));
  for (const Index count : {0, 1, 5, 13}) {
    check_close(decoder.decode_last(placed, count).value(),
                slice_tokens(decoded, 13 - count, count).value());
  }
  MaskedVisionTransformerDecoderConfig config = tiny_decoder();
  config.depth = 0;
  const Decoder flat = random_decoder(config);
  CHECK(flat.decode_last(placed, 2).value() == flat.norm(slice_tokens(placed, 11, 2)).value());
}

TEST_CASE("predict: disjoint places give the numbers of the scattered form, gradients too") {
  const Decoder decoder = random_decoder();
  const auto tokens = context_tokens();
  const auto weights = random_tensor<3>({2, 3, 8}, 3);
  std::vector<Values> results;
  for (const bool scattered : {false, true}) {
    Tape<double> tape;
    const auto context = tape.variable(tokens);
    const auto prediction = scattered ? predict_scattered(decoder, context, idx_context, idx_target)
                                      : decoder.predict(context, idx_context, idx_target);
    CHECK(prediction.shape() == Shape<3>{2, 3, 8});
    tape.backward(weighted_sum(prediction, weights));
    Values all = values_of(prediction.value());
    const Values dcontext = values_of(*tape.gradient(context));
    all.insert(all.end(), dcontext.begin(), dcontext.end());
    for (const auto& parameter : named_parameters(decoder)) {
      const auto gradient = tape.gradient_values(parameter.key);
      CHECK(gradient.empty() == (parameter.name == "pos_embed"));
      all.insert(all.end(), gradient.begin(), gradient.end());
    }
    results.push_back(all);
  }
  CHECK(distance(results[0], results[1]) <= 1e-12);
}

TEST_CASE("predict: the order of tokens in the sequence does not matter") {
  const Decoder decoder = random_decoder();
  const Var<double, 3> context(context_tokens());
  const auto prediction = decoder.predict(context, idx_context, idx_target);
  // All places sorted, as one sequence; then the targets are gathered in their order.
  const Tensor<double, 3> zeros({2, 13, 8});
  const auto full = set_at_index(Var(zeros), idx_context, context);
  const TokenIndex sorted({2, 7}, {0, 1, 2, 3, 6, 7, 8, 0, 1, 2, 4, 5, 7, 8});
  const auto decoded = decoder.forward(full, {.idx_mask = idx_target, .idx_keep = sorted});
  const TokenIndex back({2, 3}, {2, 6, 4, 5, 1, 3});
  check_close(get_at_index(decoded, back).value(), prediction.value());
}

TEST_CASE(
    "predict: as MAE needs it, where context and targets are everything, nothing needs to be "
    "left out") {
  const Decoder decoder = random_decoder();
  const KeepMask masks = tiny_masks();
  const Var<double, 3> context(context_tokens(masks.idx_keep.dim(1)));
  const Tensor<double, 3> zeros({2, 13, 8});
  const auto full = decoder.forward(set_at_index(Var(zeros), masks.idx_keep, context),
                                    {.idx_mask = masks.idx_mask});
  check_close(decoder.predict(context, masks.idx_keep, masks.idx_mask).value(),
              get_at_index(full, masks.idx_mask).value());
}

TEST_CASE("predict: a sequence with the other places in it is another model") {
  const Decoder decoder = random_decoder();
  const Var<double, 3> context(context_tokens());
  const auto prediction = decoder.predict(context, idx_context, idx_target);
  const Tensor<double, 3> zeros({2, 13, 8});
  const auto full = set_at_index(Var(zeros), idx_context, context);

  const TokenIndex complement({2, 9}, {2, 4, 5, 6, 8, 9, 10, 11, 12,  //
                                       1, 3, 4, 6, 7, 9, 10, 11, 12});
  const auto more_masked = decoder.forward(full, {.idx_mask = complement});
  CHECK(apart(get_at_index(more_masked, idx_target), prediction) > 1e-2);
  const auto more_zeros = decoder.forward(full, {.idx_mask = idx_target});
  CHECK(apart(get_at_index(more_zeros, idx_target), prediction) > 1e-2);
}

TEST_CASE("predict: targets in one sequence see each other, apart they do not") {
  const Decoder decoder = random_decoder();
  const Var<double, 3> context(context_tokens());
  const TokenIndex other({2, 2}, {9, 10, 11, 12});
  const TokenIndex both({2, 5}, {2, 8, 6, 9, 10, 7, 1, 4, 11, 12});
  const auto alone = decoder.predict(context, idx_context, idx_target);
  const auto jointly = decoder.predict(context, idx_context, both);
  CHECK(apart(slice_tokens(jointly, 0, 3), alone) > 1e-2);
  CHECK(apart(slice_tokens(jointly, 3, 2), decoder.predict(context, idx_context, other)) > 1e-2);
}

TEST_CASE("predict: a place may be context and target, which the scattered form refuses") {
  const Decoder decoder = random_decoder();
  const Var<double, 3> context(context_tokens());
  const TokenIndex overlapping({2, 3}, {2, 3, 6, 7, 1, 4});  // 3 is context of image 0
  const auto prediction = decoder.predict(context, idx_context, overlapping);
  CHECK(apart(prediction, prediction) == 0);  // finite

  // The result of scattering would be another: the content at place 3 overwritten, and there twice.
  const Tensor<double, 3> zeros({2, 13, 8});
  const TokenIndex twice({2, 7}, {0, 3, 1, 7, 2, 3, 6, 5, 0, 2, 8, 7, 1, 4});
  const auto overwritten = decoder.forward(set_at_index(Var(zeros), idx_context, context),
                                           {.idx_mask = overlapping, .idx_keep = twice});
  CHECK(apart(slice_tokens(overwritten, 4, 3), prediction) > 1e-2);
  CHECK(error_of([&] { predict_scattered(decoder, context, idx_context, overlapping); }) ==
        "predict_scattered: [idx_context | idx_target](0, 5) = 3 "
        "appears twice in its row");
}

TEST_CASE("predict: a target named twice stands there twice") {
  const Decoder decoder = random_decoder();
  const Var<double, 3> context(context_tokens());
  const TokenIndex repeated({2, 4}, {2, 8, 6, 6, 7, 1, 4, 4});
  const auto prediction = decoder.predict(context, idx_context, repeated);
  check_close(slice_tokens(prediction, 3, 1).value(), slice_tokens(prediction, 2, 1).value());
  CHECK(apart(slice_tokens(prediction, 0, 3), decoder.predict(context, idx_context, idx_target)) >
        1e-3);
  CHECK(error_of([&] { predict_scattered(decoder, context, idx_context, repeated); }) ==
        "predict_scattered: [idx_context | idx_target](0, 7) = 6 "
        "appears twice in its row");
  const TokenIndex context_twice({2, 4}, {0, 3, 1, 7, 5, 0, 5, 8});
  CHECK(error_of([&] { predict_scattered(decoder, context, context_twice, idx_target); }) ==
        "predict_scattered: [idx_context | idx_target](1, 2) = 5 "
        "appears twice in its row");
}

TEST_CASE("predict: masks of zeros and ones, full of duplicates and overlap, give finite numbers") {
  MaskedVisionTransformerDecoderConfig config = tiny_decoder();
  config.num_prefix_tokens = 0;
  config.qkv_bias = false;
  const Decoder decoder = random_decoder(config);
  CHECK_FALSE(decoder.blocks[0].attn.qkv.bias.has_value());
  Generator generator(9);
  TokenIndex zeros_and_ones({4, 12});
  for (Index& place : zeros_and_ones) place = generator.randint(0, 2);
  const auto prediction =
      decoder.predict(Var(random_tensor<3>({4, 12, 8}, 1)), zeros_and_ones, zeros_and_ones);
  CHECK(prediction.shape() == Shape<3>{4, 12, 8});
  CHECK(apart(prediction, prediction) == 0);
}

TEST_CASE("predict: no context, or no target") {
  const Decoder decoder = random_decoder();
  const Var<double, 3> context(context_tokens());
  const TokenIndex none({2, 0});
  CHECK(decoder.predict(context, idx_context, none).shape() == Shape<3>{2, 0, 8});
  const auto blind = decoder.predict(Var(Tensor<double, 3>({2, 0, 8})), none, idx_target);
  CHECK(blind.shape() == Shape<3>{2, 3, 8});
  CHECK(apart(blind, blind) == 0);
  CHECK(apart(predict_scattered(decoder, Var(Tensor<double, 3>({2, 0, 8})), none, idx_target),
              blind) <= 1e-12);
}

TEST_CASE("decoder: what makes no model is refused") {
  using Config = MaskedVisionTransformerDecoderConfig;
  const auto message = [](auto change) {
    Config config = tiny_decoder();
    change(config);
    return error_of([&] { Decoder decoder(config); });
  };
  CHECK(message([](Config& c) { c.depth = -1; }) ==
        "MaskedVisionTransformerDecoder: depth = -1 is negative");
  CHECK(message([](Config& c) { c.num_prefix_tokens = -1; }) ==
        "MaskedVisionTransformerDecoder: num_prefix_tokens = -1 is negative");
  CHECK(message([](Config& c) { c.mlp_ratio = std::nan(""); }) ==
        "MaskedVisionTransformerDecoder: mlp_ratio = nan must be finite and positive");
  CHECK(message([](Config& c) { c.drop_path_rate = -1; }) ==
        "MaskedVisionTransformerDecoder: drop_path_rate = -1 is outside [0, 1)");
  CHECK(message([](Config& c) { c.proj_drop_rate = std::nan(""); }) ==
        "MaskedVisionTransformerDecoder: proj_drop_rate = nan is outside [0, 1)");
  CHECK(message([](Config& c) { c.num_heads = 0; }) ==
        "Attention: num_heads = 0 must be positive and divide dim = 8");
  CHECK(message([](Config& c) { c.embed_dim = 6; }) ==
        "sincos_position_embedding: dim = 6 must be a positive multiple of 4");
  CHECK(message([](Config& c) { c.grid = {0, 3}; }) ==
        "sincos_position_embedding: grid 0 x 3 with 1 prefix tokens is not possible");
  CHECK(message([](Config& c) { c.grid = {Index{1} << 32, Index{1} << 32}; }) ==
        "Size: 4294967296 x 4294967296 is too large");
}

TEST_CASE("decoder: input that does not fit is refused") {
  const Decoder decoder = random_decoder();
  CHECK(error_of([&] { decoder.forward(Tensor<double, 3>({0, 13, 8})); }) ==
        "MaskedVisionTransformerDecoder::preprocess: x [0, 13, 8] is an empty batch");
  const Var<double, 3> x(random_tensor<3>({2, 13, 8}, 2));
  CHECK(error_of(
            [&] { decoder.preprocess(x, {.idx_mask = idx_target, .mask = TokenMask({2, 13})}); }) ==
        "MaskedVisionTransformerDecoder::preprocess: idx_mask and mask cannot both be set at "
        "the same time");
  CHECK(error_of([&] { decoder.forward(Var(Tensor<double, 3>({2, 12, 8}))); }) ==
        "add_positions: tokens [2, 12, 8] must have the 13 places of positions [1, 13, 8]");
  CHECK(error_of([&] { decoder.forward(x, {.idx_keep = TokenIndex({2, 1}, {0, 13})}); }) ==
        "MaskedVisionTransformerDecoder::preprocess: idx_keep(1, 0) = 13 is outside [0, 13)");
  CHECK(error_of([&] { decoder.forward(x, {.idx_mask = TokenIndex({1, 1})}); }) ==
        "MaskedVisionTransformerDecoder::preprocess: idx_mask [1, 1] must have 2 rows, one per "
        "image");
  CHECK(error_of([&] { decoder.forward(x, {.mask = TokenMask({2, 12})}); }) ==
        "MaskedVisionTransformerDecoder::preprocess: mask [2, 12] must be [2, 13], one per token");
  const Var<double, 3> context(context_tokens());
  CHECK(error_of([&] { decoder.predict(context, idx_context, TokenIndex({2, 1}, {13, 0})); }) ==
        "context_and_targets: idx_target(0, 0) = 13 is outside [0, 13)");
  CHECK(error_of([&] { decoder.predict(context, idx_target, idx_target); }) ==
        "context_and_targets: idx_context [2, 3] must name a place for each token of context "
        "[2, 4, 8]");
  CHECK(error_of([&] { decoder.predict(context, TokenIndex({1, 4}), idx_target); }) ==
        "context_and_targets: idx_context [1, 4] must have 2 rows, one per image");
  CHECK(error_of([&] {
          predict_scattered(decoder, context, idx_context, TokenIndex({2, 1}, {-1, 0}));
        }) ==
        "predict_scattered: idx_target(0, 0) = -1 is outside "
        "[0, 13)");
}

}  // namespace
}  // namespace tessera::test
