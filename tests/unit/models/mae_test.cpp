#include "tessera/models/mae.hpp"

#include <numeric>
#include <set>

#include "support/catch.hpp"
#include "support/close.hpp"
#include "support/models/tiny_models.hpp"
#include "support/near.hpp"
#include "support/throws.hpp"
#include "tessera/masking/token_mask.hpp"
#include "tessera/models/initialize.hpp"
#include "tessera/train/adamw.hpp"

namespace tessera::test {
namespace {

MAE<double> random_mae(const MAEConfig& config = tiny_mae()) { return random_model<MAE>(config); }

template <Module Model>
std::vector<Values> snapshot(const Model& model) {
  std::vector<Values> values;
  for (const auto& parameter : named_parameters(model)) {
    values.emplace_back(parameter.values.begin(), parameter.values.end());
  }
  return values;
}

double train_one_step(MAE<double>& mae, AdamW<double>& optimizer) {
  const KeepMask masks = tiny_masks();
  Tape<double> tape;
  const auto loss = mae.loss(Var<double, 4>(tiny_images(), &tape), masks.idx_keep, masks.idx_mask);
  tape.backward(loss);
  optimizer.step(mae, tape);
  return loss.value().item();
}

TEST_CASE("MAE: predicts the pixels of the masked patches") {
  const auto mae = random_mae();
  const KeepMask masks = tiny_masks();
  const auto prediction = mae.forward(tiny_images(), masks.idx_keep, masks.idx_mask);
  CHECK(prediction.shape() == Shape<3>{2, masks.idx_mask.dim(1), 4 * 4 * 2});
  CHECK(distance(values_of(prediction.value()), values_of(prediction.value())) == 0);  // finite
}

TEST_CASE("MAE: the loss is the mean over masked patches and pixels, written as loops") {
  auto mae = random_mae();
  const auto images = tiny_images();
  const KeepMask masks = tiny_masks();
  const Tensor<double, 3> prediction = mae.forward(images, masks.idx_keep, masks.idx_mask).value();
  for (const bool norm_pix : {false, true}) {
    mae.norm_pix_loss = norm_pix;
    double sum = 0;
    for (Index b = 0; b < 2; ++b) {
      for (Index k = 0; k < prediction.dim(1); ++k) {
        const Index patch = masks.idx_mask(b, k) - 1;
        Values pixels;  // as (row, column, channel)
        for (Index y = 0; y < 4; ++y) {
          for (Index x = 0; x < 4; ++x) {
            for (Index c = 0; c < 2; ++c) {
              pixels.push_back(images(b, c, patch / 4 * 4 + y, patch % 4 * 4 + x));
            }
          }
        }
        double mean = 0;
        double variance = 0;
        for (const double pixel : pixels) mean += pixel / 32;
        for (const double pixel : pixels) variance += (pixel - mean) * (pixel - mean) / 31;
        for (std::size_t i = 0; i < pixels.size(); ++i) {
          const double target =
              norm_pix ? (pixels[i] - mean) / std::sqrt(variance + 1e-6) : pixels[i];
          const double error = prediction(b, k, static_cast<Index>(i)) - target;
          sum += error * error;
        }
      }
    }
    CHECK(mae.loss(images, masks.idx_keep, masks.idx_mask).value().item() ==
          near_relative(sum / static_cast<double>(prediction.size()), 1e-12));
  }
}

TEST_CASE("MAE: reconstruct blanks the masked patches and fills in the predicted ones") {
  auto mae = random_mae();
  const auto images = tiny_images();
  const KeepMask masks = tiny_masks();
  const TokenMask masked = to_token_mask(shift_index(masks.idx_mask, -1), 12);
  for (const bool norm_pix : {false, true}) {
    mae.norm_pix_loss = norm_pix;
    const auto pictures = mae.reconstruct(images, masks.idx_keep, masks.idx_mask);
    REQUIRE(pictures.masked.shape() == images.shape());
    REQUIRE(pictures.prediction.shape() == images.shape());
    for (Index b = 0; b < 2; ++b) {
      for (Index c = 0; c < 2; ++c) {
        for (Index y = 0; y < 12; ++y) {
          for (Index x = 0; x < 16; ++x) {
            const bool hidden = masked(b, y / 4 * 4 + x / 4);
            CHECK(pictures.masked(b, c, y, x) == (hidden ? 0 : images(b, c, y, x)));
            if (!hidden) CHECK(pictures.prediction(b, c, y, x) == images(b, c, y, x));
          }
        }
      }
    }
    // Normalized as the loss does it, the filled-in patches are the prediction: what the network
    // cannot know, mean and contrast, came from the input.
    const auto prediction = mae.forward(images, masks.idx_keep, masks.idx_mask).value();
    const auto filled =
        patchify_at_index(Var(pictures.prediction), 4, shift_index(masks.idx_mask, -1)).value();
    if (!norm_pix) {
      CHECK(filled == prediction);
      continue;
    }
    const auto original =
        patchify_at_index(Var(images), 4, shift_index(masks.idx_mask, -1)).value();
    for (Index r = 0; r < filled.rows(); ++r) {
      const ConstArrayMap<double> pixels(original.row(r), 32);
      const double mean = pixels.mean();
      const double deviation = std::sqrt((pixels - mean).square().sum() / 31 + 1e-6);
      for (Index i = 0; i < 32; ++i) {
        CHECK((filled.row(r)[i] - mean) / deviation == near(prediction.row(r)[i], 1e-12));
      }
    }
  }
}

TEST_CASE("MAE: nothing kept, everything kept") {
  const auto mae = random_mae();
  const auto images = tiny_images(1);
  TokenIndex patches({1, 12});
  std::iota(patches.begin(), patches.end(), Index{1});
  const TokenIndex none({1, 0});
  const auto blind = mae.forward(images, none, patches).value();
  CHECK(blind.shape() == Shape<3>{1, 12, 32});
  CHECK(distance(values_of(blind), values_of(blind)) == 0);
  CHECK(mae.forward(images, patches, none).shape() == Shape<3>{1, 0, 32});
  CHECK(error_of([&] { mae.loss(images, patches, none); }) ==
        "mse_loss: prediction [1, 0, 32] is empty: its mean does not exist");
  CHECK(mae.reconstruct(images, patches, none).prediction == images);
}

TEST_CASE("MAE: images of a batch do not see each other") {
  const auto mae = random_mae();
  const KeepMask masks = tiny_masks();
  auto images = tiny_images();
  const auto before = mae.forward(images, masks.idx_keep, masks.idx_mask).value();
  for (double* pixel = images.row(2 * 12); pixel != images.end(); ++pixel) *pixel += 1;
  const auto after = mae.forward(images, masks.idx_keep, masks.idx_mask).value();
  CHECK(std::equal(before.row(0), before.row(before.dim(1)), after.row(0)));
  CHECK_FALSE(before == after);
}

TEST_CASE("MAE: a step changes what a gradient arrived at, and nothing else") {
  auto mae = random_mae();
  set_trainable(mae.encoder.blocks[0].attn, false);
  const auto before = snapshot(mae);
  const KeepMask masks = tiny_masks();
  Tape<double> tape;
  tape.backward(mae.loss(Var<double, 4>(tiny_images(), &tape), masks.idx_keep, masks.idx_mask));
  std::set<std::string> untouched;
  for (const auto& parameter : named_parameters(mae)) {
    if (tape.gradient_values(parameter.key).empty()) untouched.insert(parameter.name);
  }
  CHECK(untouched == std::set<std::string>{
                         "encoder.mask_token", "encoder.pos_embed", "decoder.pos_embed",
                         "encoder.blocks.0.attn.qkv.weight", "encoder.blocks.0.attn.qkv.bias",
                         "encoder.blocks.0.attn.proj.weight", "encoder.blocks.0.attn.proj.bias"});
  AdamW<double> optimizer({.lr = 0.01});
  const auto parameters = named_parameters(mae);
  CHECK(optimizer.step(mae, tape) == std::ssize(parameters) - std::ssize(untouched));
  const auto after = snapshot(mae);
  for (std::size_t i = 0; i < parameters.size(); ++i) {
    INFO(parameters[i].name);
    CHECK((after[i] == before[i]) == untouched.contains(parameters[i].name));
  }
}

TEST_CASE("MAE: training a model leaves its copy as it was, and the copy can go on alike") {
  auto mae = random_mae();
  AdamW<double> optimizer({.lr = 0.01});
  train_one_step(mae, optimizer);
  auto copy = mae;
  const auto before = snapshot(copy);
  AdamW<double> resumed = optimizer;
  const double loss = train_one_step(mae, optimizer);
  CHECK(snapshot(copy) == before);
  CHECK(train_one_step(copy, resumed) == loss);
  CHECK(snapshot(copy) == snapshot(mae));
}

TEST_CASE("MAE: training lowers the loss") {
  auto mae = random_mae();
  AdamW<double> optimizer({.lr = 0.01});
  const double first = train_one_step(mae, optimizer);
  double last = first;
  for (int step = 0; step < 20; ++step) last = train_one_step(mae, optimizer);
  CHECK(last < 0.7 * first);
}

TEST_CASE("MAE: every parameter decays or does not, by what it is") {
  MAEConfig config = tiny_mae();
  config.encoder.reg_tokens = 2;
  config.encoder.init_values = 0.1;
  config.encoder.pos_embed = PositionEmbedding::learned;
  MAE<double> mae(config);
  const std::vector<std::string> weights{"proj.weight",
                                         "qkv.weight",
                                         "fc1.weight",
                                         "fc2.weight",
                                         "decoder_embed.weight",
                                         "prediction_head.weight",
                                         "cls_token",
                                         "reg_token",
                                         "mask_token",
                                         "pos_embed"};
  const auto is_weight = [&](const std::string& name) {
    return std::any_of(weights.begin(), weights.end(),
                       [&](const std::string& end) { return name.ends_with(end); });
  };
  std::size_t decayed = 0;
  for (const auto& parameter : named_parameters(mae)) {
    INFO(parameter.name);
    CHECK(decays(parameter) == is_weight(parameter.name));
    if (decays(parameter)) ++decayed;
  }
  CHECK(decayed == 4 * 4 + 3 + 2 + 1 + 1 + 2);  // blocks, layers around them, tokens, tables
}

TEST_CASE("MAE: what makes no model is refused") {
  const auto message = [](auto change) {
    MAEConfig config = tiny_mae();
    change(config);
    return error_of([&] { MAE<double> mae(config); });
  };
  CHECK(message([](MAEConfig& c) { c.decoder_depth = -1; }) ==
        "MaskedVisionTransformerDecoder: depth = -1 is negative");
  CHECK(message([](MAEConfig& c) { c.decoder_num_heads = 3; }) ==
        "Attention: num_heads = 3 must be positive and divide dim = 8");
  CHECK(message([](MAEConfig& c) { c.decoder_mlp_ratio = std::nan(""); }) ==
        "MaskedVisionTransformerDecoder: mlp_ratio = nan must be finite and positive");
  CHECK(message([](MAEConfig& c) { c.decoder_embed_dim = 0; }) ==
        "Linear: in = 12 and out = 0 must be positive");
  CHECK(message([](MAEConfig& c) { c.encoder.depth = -1; }) ==
        "MaskedVisionTransformer: depth = -1 is negative");
  CHECK(message([](MAEConfig& c) {
          c.encoder.global_pool = GlobalPool::avg;
          c.encoder.fc_norm = true;
        }) == "MAE: encoder.fc_norm is set, but the decoder needs every token normalized");
}

TEST_CASE("MAE: the decoder has the encoder's choice of bias") {
  MAEConfig config = tiny_mae();
  CHECK(MAE<double>(config).decoder.blocks[0].attn.qkv.bias);
  config.encoder.qkv_bias = false;
  CHECK_FALSE(MAE<double>(config).decoder.blocks[0].attn.qkv.bias);
}

TEST_CASE("MAE: input that does not fit is refused and records nothing") {
  const auto mae = random_mae();
  const KeepMask masks = tiny_masks();
  const auto message = [&](const Tensor<double, 4>& images, const TokenIndex& idx_keep,
                           const TokenIndex& idx_mask) {
    Tape<double> tape;
    const std::string text =
        error_of([&] { mae.loss(Var<double, 4>(images, &tape), idx_keep, idx_mask); });
    CHECK(tape.entries() == 0);
    return text;
  };
  const auto images = tiny_images();
  CHECK(message(Tensor<double, 4>({2, 2, 16, 12}), masks.idx_keep, masks.idx_mask) ==
        "MAE: images [2, 2, 16, 12] must be of the model's size 12 x 16");
  CHECK(message(Tensor<double, 4>({2, 3, 12, 16}), masks.idx_keep, masks.idx_mask) ==
        "PatchEmbed: images [2, 3, 12, 16] must have the 2 channels of weight [12, 2, 4, 4]");
  CHECK(message(Tensor<double, 4>({0, 2, 12, 16}), TokenIndex({0, 1}), TokenIndex({0, 1})) ==
        "MaskedVisionTransformer::preprocess: images [0, 2, 12, 16] is an empty batch");
  CHECK(message(images, TokenIndex({3, 1}), masks.idx_mask) ==
        "MAE: idx_keep [3, 1] must have 2 rows, one per image");
  CHECK(message(images, TokenIndex({2, 2}, {0, 1, 0, 13}), TokenIndex({2, 1}, {2, 2})) ==
        "MAE: idx_keep(1, 1) = 13 is outside [0, 13)");
  CHECK(message(images, TokenIndex({2, 1}, {0, 0}), TokenIndex({2, 1}, {-1, 2})) ==
        "MAE: idx_mask(0, 0) = -1 is outside [0, 13)");
  CHECK(message(images, TokenIndex({2, 1}, {1, 1}), TokenIndex({2, 2}, {2, 3, 2, 0})) ==
        "MAE: idx_mask(1, 1) = 0 is a prefix token, which has no pixels to predict");
  CHECK(message(images, TokenIndex({2, 2}, {0, 4, 0, 5}), TokenIndex({2, 2}, {1, 2, 5, 2})) ==
        "MAE: [idx_keep | idx_mask](1, 2) = 5 appears twice in its row");
  CHECK(message(images, TokenIndex({2, 2}, {0, 0, 0, 5}), TokenIndex({2, 2}, {1, 2, 3, 2})) ==
        "MAE: [idx_keep | idx_mask](0, 1) = 0 appears twice in its row");
  CHECK(error_of([&] { mae.target(images, TokenIndex({2, 1}, {3, 0})); }) ==
        "MAE::target: idx_mask(1, 0) = 0 is a prefix token, which has no pixels to predict");
  CHECK(error_of([&] { mae.target(images, TokenIndex({2, 1}, {3, -1})); }) ==
        "MAE::target: idx_mask(1, 0) = -1 is outside [0, 13)");
}

TEST_CASE("MAE: a forgotten initialize is an error in training, of the decoder's part alone too") {
  MAE<float> mae(tiny_mae());
  const auto images = random_tensor<4, float>(
      {1, 2, mae.encoder.config.image_size.height, mae.encoder.config.image_size.width}, 1);
  const TokenIndex idx_keep({1, 2}, {0, 1});
  const TokenIndex idx_mask({1, 2}, {2, 3});
  const auto train = [&] {
    Tape<float> tape;
    (void)mae.loss(Var<float, 4>(images, &tape), idx_keep, idx_mask);
  };
  const std::string message =
      "TransformerBlock: all weights are zero; call initialize(model, recipe, generator) or load "
      "weights before training";
  CHECK(error_of(train) == message);
  Generator generator(1);
  initialize(mae.encoder, InitRecipe::mae, generator);
  CHECK(error_of(train) == message);
  initialize(mae, InitRecipe::mae, generator);
  CHECK(error_of(train) == "(no exception)");
}

}  // namespace
}  // namespace tessera::test
