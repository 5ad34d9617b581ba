#include "tessera/models/ijepa.hpp"

#include "support/catch.hpp"
#include "support/close.hpp"
#include "support/models/tiny_models.hpp"
#include "support/near.hpp"
#include "support/throws.hpp"
#include "tessera/train/adamw.hpp"
#include "tessera/train/ema.hpp"

namespace tessera::test {
namespace {

/// Two context masks and three target masks that overlap one another and the contexts.
const std::vector<TokenIndex> contexts{TokenIndex({2, 4}, {0, 1, 4, 5, 3, 7, 2, 6}),
                                       TokenIndex({2, 4}, {8, 9, 4, 1, 0, 2, 10, 11})};
const std::vector<TokenIndex> targets{TokenIndex({2, 2}, {2, 3, 8, 9}),
                                      TokenIndex({2, 2}, {1, 5, 6, 7}),
                                      TokenIndex({2, 2}, {10, 11, 0, 4})};

IJEPA<double> random_ijepa() { return random_model<IJEPA>(tiny_ijepa()); }

template <Module Model>
Values all_values(const Model& model) {
  Values values;
  for (const auto& parameter : named_parameters(model)) {
    values.insert(values.end(), parameter.values.begin(), parameter.values.end());
  }
  return values;
}

TEST_CASE("I-JEPA: rows come by target, then context, then image") {
  const auto ijepa = random_ijepa();
  const auto images = tiny_images();
  const auto z = ijepa.forward_context(images, contexts, targets).value();
  const auto h = ijepa.forward_target(images, contexts, targets).value();
  REQUIRE(z.shape() == Shape<3>{3 * 2 * 2, 2, 12});
  REQUIRE(h.shape() == z.shape());
  const auto features = ijepa.target_encoder.encode(images).value();
  for (Index t = 0; t < 3; ++t) {
    for (Index e = 0; e < 2; ++e) {
      const std::span one_context(&contexts[static_cast<std::size_t>(e)], 1);
      const std::span one_target(&targets[static_cast<std::size_t>(t)], 1);
      const auto pair = ijepa.forward_context(images, one_context, one_target).value();
      for (Index b = 0; b < 2; ++b) {
        const Index row = (t * 2 + e) * 2 + b;
        const Values found(z.row(2 * row), z.row(2 * row + 2));
        const Values expected(pair.row(2 * b), pair.row(2 * b + 2));
        CHECK(distance(found, expected) <= 1e-13);
        for (Index k = 0; k < 2; ++k) {  // normalized features, without weight and bias
          const double* feature = features.row(b * 12 + one_target[0](b, k));
          const ConstArrayMap<double> x(feature, 12);
          const double deviation = std::sqrt((x - x.mean()).square().mean() + 1e-5);
          for (Index c = 0; c < 12; ++c) {
            CHECK(h(row, k, c) == near_relative((feature[c] - x.mean()) / deviation, 1e-12));
          }
        }
      }
    }
  }
}

TEST_CASE("I-JEPA: the loss is the mean smooth L1 distance, written as a loop") {
  const auto ijepa = random_ijepa();
  const auto z = ijepa.forward_context(tiny_images(), contexts, targets).value();
  const auto h = ijepa.forward_target(tiny_images(), contexts, targets).value();
  double sum = 0;
  for (Index i = 0; i < z.size(); ++i) {
    const double error = std::abs(z.data()[i] - h.data()[i]);
    sum += error < 1 ? error * error / 2 : error - 0.5;
  }
  CHECK(ijepa.loss(tiny_images(), contexts, targets).value().item() ==
        near_relative(sum / static_cast<double>(z.size()), 1e-13));
}

TEST_CASE("I-JEPA: the target encoder is a frozen copy that training does not reach") {
  auto ijepa = random_ijepa();
  ijepa.reset_target();
  CHECK(all_values(ijepa.target_encoder) == all_values(ijepa.encoder));
  for (const auto& parameter : named_parameters(ijepa)) {
    const bool frozen =
        parameter.name.starts_with("target_encoder.") || parameter.name.ends_with("pos_embed");
    CHECK(parameter.trainable == !frozen);
  }
  const Values before = all_values(ijepa.target_encoder);
  AdamW<double> optimizer({.lr = 0.01});
  Tape<double> tape;
  const Var<double, 4> images(tiny_images(), &tape);
  CHECK_FALSE(ijepa.forward_target(images, contexts, targets).requires_grad());
  CHECK(tape.entries() == 0);
  tape.backward(ijepa.loss(images, contexts, targets));
  optimizer.step(ijepa, tape);
  CHECK(all_values(ijepa.target_encoder) == before);
  CHECK(all_values(ijepa.encoder) != before);
  for (const auto& [name, state] : optimizer.state) {
    CHECK_FALSE(name.starts_with("target_encoder."));
  }
}

TEST_CASE("I-JEPA: the target encoder follows as a moving average") {
  auto ijepa = random_ijepa();
  const Values target = all_values(ijepa.target_encoder);
  const Values source = all_values(ijepa.encoder);
  update_ema(ijepa.target_encoder, ijepa.encoder, 0.9);
  const Values moved = all_values(ijepa.target_encoder);
  CHECK(all_values(ijepa.encoder) == source);
  for (std::size_t i = 0; i < moved.size(); ++i) {
    CHECK(moved[i] == near(0.9 * target[i] + 0.1 * source[i], 1e-15));
  }
  for (const auto& parameter : named_parameters(ijepa.target_encoder)) {
    CHECK_FALSE(parameter.trainable);
  }
}

TEST_CASE("I-JEPA: a variable as image gets its gradient through the context alone") {
  const auto ijepa = random_ijepa();
  Tape<double> tape;
  const auto images = tape.variable(tiny_images());
  const std::vector<TokenIndex> one_context{TokenIndex({2, 2}, {0, 1, 0, 1})};
  tape.backward(ijepa.loss(images, one_context, targets));
  REQUIRE(tape.gradient(images) != nullptr);
  const Tensor<double, 4>& dimages = *tape.gradient(images);
  double inside = 0;
  double outside = 0;
  for (Index b = 0; b < 2; ++b) {
    for (Index c = 0; c < 2; ++c) {
      for (Index y = 0; y < 12; ++y) {
        for (Index x = 0; x < 16; ++x) {
          (y < 4 && x < 8 ? inside : outside) += std::abs(dimages(b, c, y, x));
        }
      }
    }
  }
  CHECK(inside > 0);
  CHECK(outside == 0);
}

TEST_CASE("I-JEPA: training lowers the loss") {
  auto ijepa = random_ijepa();
  ijepa.reset_target();
  AdamW<double> optimizer({.lr = 0.01});
  double first = 0;
  double last = 0;
  for (int step = 0; step < 20; ++step) {
    Tape<double> tape;
    const auto loss = ijepa.loss(Var<double, 4>(tiny_images(), &tape), contexts, targets);
    tape.backward(loss);
    optimizer.step(ijepa, tape);
    update_ema(ijepa.target_encoder, ijepa.encoder, 0.996);
    last = loss.value().item();
    if (step == 0) first = last;
  }
  CHECK(last < 0.7 * first);
}

TEST_CASE("I-JEPA: prefix tokens are refused") {
  IJEPAConfig config = tiny_ijepa();
  config.encoder.class_token = true;
  CHECK(error_of([&] { IJEPA<double> ijepa(config); }) ==
        "IJEPA: the encoder must have neither class token nor registers, but has 1");
  config.encoder.reg_tokens = 2;
  CHECK(error_of([&] { IJEPA<double> ijepa(config); }) ==
        "IJEPA: the encoder must have neither class token nor registers, but has 3");
}

TEST_CASE("I-JEPA: an encoder that normalizes its average alone is refused") {
  IJEPAConfig config = tiny_ijepa();
  config.encoder.fc_norm = true;
  CHECK(error_of([&] { IJEPA<double> ijepa(config); }) ==
        "IJEPA: encoder.fc_norm is set, but predictor and targets need every token normalized");
}

TEST_CASE("I-JEPA: what makes no predictor is refused") {
  const auto message = [](auto change) {
    IJEPAConfig config = tiny_ijepa();
    change(config);
    return error_of([&] { IJEPA<double> ijepa(config); });
  };
  CHECK(message([](IJEPAConfig& c) { c.predictor_depth = -1; }) ==
        "MaskedVisionTransformerDecoder: depth = -1 is negative");
  CHECK(message([](IJEPAConfig& c) { c.predictor_num_heads = 0; }) ==
        "Attention: num_heads = 0 must be positive and divide dim = 8");
  CHECK(message([](IJEPAConfig& c) { c.predictor_mlp_ratio = std::nan(""); }) ==
        "MaskedVisionTransformerDecoder: mlp_ratio = nan must be finite and positive");
}

TEST_CASE("I-JEPA: masks and images that do not fit are refused and record nothing") {
  const auto ijepa = random_ijepa();
  const auto images = tiny_images();
  using Masks = std::vector<TokenIndex>;
  const auto refused = [&](const std::string& reason, const Tensor<double, 4>& with,
                           const Masks& context, const Masks& target) {
    Tape<double> tape;
    const Var<double, 4> recorded(with, &tape);
    CHECK(error_of([&] { ijepa.forward_context(recorded, context, target); }) ==
          "IJEPA::forward_context: " + reason);
    CHECK(error_of([&] { ijepa.forward_target(recorded, context, target); }) ==
          "IJEPA::forward_target: " + reason);
    CHECK(tape.entries() == 0);
  };
  refused("there are 0 context and 3 target masks; each list needs one", images, {}, targets);
  refused("there are 2 context and 0 target masks; each list needs one", images, contexts, {});
  refused("images [2, 2, 12, 12] must be of the model's size 12 x 16",
          Tensor<double, 4>({2, 2, 12, 12}), contexts, targets);
  refused("masks_context[0] [1, 1] must have 2 rows, one per image", images, {TokenIndex({1, 1})},
          targets);
  refused("masks_context[0](1, 0) = 12 is outside [0, 12)", images, {TokenIndex({2, 1}, {0, 12})},
          targets);
  refused("masks_target[0](0, 1) = -1 is outside [0, 12)", images, contexts,
          {TokenIndex({2, 2}, {0, -1, 1, 2})});
  refused("target masks of shapes [2, 2] and [2, 1] cannot be stacked", images, contexts,
          {TokenIndex({2, 2}, {0, 1, 1, 2}), TokenIndex({2, 1})});
  CHECK(error_of([&] { ijepa.loss(Tensor<double, 4>({2, 3, 12, 16}), contexts, targets); }) ==
        "PatchEmbed: images [2, 3, 12, 16] must have the 2 channels of weight [12, 2, 4, 4]");
  const Masks empty{TokenIndex({0, 1})};
  CHECK(error_of([&] { ijepa.loss(Tensor<double, 4>({0, 2, 12, 16}), empty, empty); }) ==
        "MaskedVisionTransformer::preprocess: images [0, 2, 12, 16] is an empty batch");
}

}  // namespace
}  // namespace tessera::test
