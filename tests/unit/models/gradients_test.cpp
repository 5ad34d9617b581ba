// Whole models against central differences, in double.

#include "support/gradients.hpp"
#include "support/catch.hpp"
#include "support/models/tiny_models.hpp"

namespace tessera::test {
namespace {

const testing::GradientCheckOptions few{.per_parameter = 6};

TEST_CASE("gradients: MAE with raw and with normalized pixels") {
  for (const bool norm_pix : {false, true}) {
    MAEConfig config = tiny_mae();
    config.norm_pix_loss = norm_pix;
    auto mae = random_model<MAE>(config);
    const KeepMask masks = tiny_masks();
    const auto images = tiny_images();
    CHECK(gradient_error(
              norm_pix ? "MAE, normalized pixels" : "MAE, raw pixels", mae,
              [&](Tape<double>* tape) {
                return mae.loss(Var<double, 4>(images, tape), masks.idx_keep, masks.idx_mask);
              },
              few) == "");
  }
}

TEST_CASE("gradients: MAE with LayerScale, learned positions, registers and drop path") {
  MAEConfig config = tiny_mae();
  config.encoder.init_values = 0.1;
  config.encoder.pos_embed = PositionEmbedding::learned;
  config.encoder.reg_tokens = 2;
  config.encoder.drop_path_rate = 0.3;
  config.encoder.proj_drop_rate = 0.2;
  config.encoder.qkv_bias = false;
  auto mae = random_model<MAE>(config);
  const TokenIndex idx_keep({3, 5}, {0, 1, 2, 7, 4, 14, 0, 3, 2, 1, 9, 1, 8, 0, 12});
  const TokenIndex idx_mask({3, 3}, {3, 9, 11, 5, 4, 13, 10, 3, 6});
  const auto images = tiny_images(3);
  CHECK(gradient_error("MAE, LayerScale, learned positions, registers, drop path", mae,
                       [&](Tape<double>* tape) {
                         return mae.loss(Var<double, 4>(images, tape), idx_keep, idx_mask);
                       },
                       {.per_parameter = 6, .seed = 2}) == "");
}

TEST_CASE("gradients: I-JEPA with two contexts and three overlapping targets") {
  auto ijepa = random_model<IJEPA>(tiny_ijepa());
  const std::vector<TokenIndex> contexts{TokenIndex({2, 4}, {0, 1, 4, 5, 3, 7, 2, 6}),
                                         TokenIndex({2, 4}, {8, 9, 4, 1, 0, 2, 10, 11})};
  const std::vector<TokenIndex> targets{TokenIndex({2, 2}, {2, 3, 8, 9}),
                                        TokenIndex({2, 2}, {1, 5, 6, 7}),
                                        TokenIndex({2, 2}, {10, 1, 0, 7})};
  const auto images = tiny_images();
  CHECK(gradient_error(
            "I-JEPA", ijepa,
            [&](Tape<double>* tape) {
              return ijepa.loss(Var<double, 4>(images, tape), contexts, targets);
            },
            few) == "");
}

TEST_CASE("gradients: encoder with every kind of selection, at another image size, pooled") {
  MaskedVisionTransformerConfig config = tiny_encoder();
  config.depth = 1;
  config.reg_tokens = 1;
  config.no_embed_class = true;
  config.pos_embed = PositionEmbedding::learned;
  config.global_pool = GlobalPool::avg;
  config.fc_norm = true;
  WithInput model(MaskedVisionTransformer<double>(config), random_tensor<4>({2, 2, 16, 12}, 1));
  const TokenIndex idx_mask({2, 3}, {0, 5, 5, 13, 2, 1});
  const TokenIndex idx_keep({2, 6}, {0, 1, 5, 9, 2, 12, 13, 1, 2, 3, 4, 0});
  const auto check = [&](const std::string& what, const TokenSelection& selection) {
    CHECK(gradient_error(
              "encoder, " + what, model,
              [&](Tape<double>* tape) {
                return random_sum(model.module.forward(model.input.on(tape), selection));
              },
              few) == "");
  };
  TokenMask mask({2, 14}, false);
  mask(0, 3) = mask(1, 0) = mask(1, 9) = true;
  check("all tokens", {});
  check("idx_keep", {.idx_keep = idx_keep});
  check("idx_mask and idx_keep", {.idx_mask = idx_mask, .idx_keep = idx_keep});
  check("mask", {.mask = mask});
}

TEST_CASE("gradients: decoder, full sequence and side by side") {
  MaskedVisionTransformerDecoder<double> plain(tiny_decoder());
  plain.pos_embed.trainable = true;  // as those who fine-tune do
  WithInput model(plain, random_tensor<3>({2, 13, 8}, 1));
  const TokenIndex idx({2, 3}, {0, 5, 5, 12, 2, 1});
  CHECK(gradient_error(
            "decoder, forward", model,
            [&](Tape<double>* tape) {
              return random_sum(model.module.forward(model.input.on(tape), {.idx_mask = idx}));
            },
            few) == "");
  WithInput predictor(plain, random_tensor<3>({2, 3, 8}, 1));
  const TokenIndex targets({2, 4}, {7, 5, 9, 9, 2, 3, 11, 0});
  CHECK(gradient_error(
            "decoder, predict", predictor,
            [&](Tape<double>* tape) {
              return random_sum(predictor.module.predict(predictor.input.on(tape), idx, targets));
            },
            few) == "");
}

}  // namespace
}  // namespace tessera::test
