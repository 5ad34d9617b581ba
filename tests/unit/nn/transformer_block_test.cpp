#include "tessera/nn/transformer_block.hpp"

#include "support/catch.hpp"
#include "support/close.hpp"
#include "support/gradients.hpp"
#include "support/models/random_model.hpp"
#include "support/throws.hpp"

namespace tessera::test {
namespace {

TransformerBlockConfig small() { return {.dim = 8, .num_heads = 2, .mlp_hidden = 12}; }

TransformerBlock<double> random_block(const TransformerBlockConfig& config) {
  TransformerBlock<double> block(config);
  randomize(block, 1);
  return block;
}

/// x + scale(attn(norm1(x))), then the same for the MLP, each branch times a factor per image.
Tensor<double, 3> block_by_parts(const TransformerBlock<double>& block, const Tensor<double, 3>& x,
                                 const std::vector<double>& factors) {
  const auto plus = [](const Tensor<double, 3>& residual, Tensor<double, 3> update,
                       const double* factor) {
    const Index image = update.dim(1) * update.dim(2);
    for (Index i = 0; i < update.size(); ++i) {
      update.data()[i] = residual.data()[i] + factor[i / image] * update.data()[i];
    }
    return update;
  };
  const auto scaled = [](const auto& layer_scale, const Var<double, 3>& update) {
    return layer_scale ? (*layer_scale)(update).value() : update.value();
  };
  const auto mixed = plus(x, scaled(block.ls1, block.attn(block.norm1(Var(x)))), factors.data());
  return plus(mixed, scaled(block.ls2, block.mlp(block.norm2(Var(mixed)))),
              factors.data() + x.dim(0));
}

TEST_CASE("TransformerBlock: is its formula, with and without LayerScale") {
  const auto x = random_tensor<3>({2, 4, 8}, 2);
  for (const std::optional<double> init_values : {std::optional<double>(), std::optional(0.1)}) {
    TransformerBlockConfig config = small();
    config.init_values = init_values;
    const auto block = random_block(config);
    CHECK(block.ls1.has_value() == init_values.has_value());
    check_close(block(Var(x)).value(), block_by_parts(block, x, {1, 1, 1, 1}));
  }
}

TEST_CASE("TransformerBlock: the config chooses the activation") {
  TransformerBlockConfig config = small();
  config.activation = Activation::swiglu;
  const auto block = random_block(config);
  const auto x = random_tensor<3>({2, 4, 8}, 2);
  CHECK(block.mlp.fc1.weight.value.shape() == Shape<2>{24, 8});
  check_close(block(Var(x)).value(), block_by_parts(block, x, {1, 1, 1, 1}));
}

TEST_CASE("TransformerBlock: the last tokens alone are the last rows") {
  const Var<double, 3> x(random_tensor<3>({2, 5, 8}, 2));
  for (const std::optional<double> init_values : {std::optional<double>(), std::optional(0.1)}) {
    TransformerBlockConfig config = small();
    config.init_values = init_values;
    const auto block = random_block(config);
    for (const Index count : {0, 1, 3, 5}) {
      check_close(block.last_tokens(x, count).value(),
                  slice_tokens(block(x), 5 - count, count).value());
    }
  }
}

TEST_CASE("TransformerBlock: drop path drops a branch of an image as a whole, in training alone") {
  TransformerBlockConfig config = small();
  config.drop_path = 0.4;
  const auto block = random_block(config);
  const auto x = random_tensor<3>({3, 4, 8}, 2);
  check_close(block(Var(x)).value(), block_by_parts(block, x, {1, 1, 1, 1, 1, 1}));
  bool dropped = false;
  bool kept = false;
  for (std::uint64_t seed = 0; seed < 4; ++seed) {
    Generator generator(seed);
    Tape<double> tape(generator);
    const auto found = block(Var<double, 3>(x, &tape));
    Generator same(seed);
    std::vector<double> factors;  // of attention, then of the MLP
    for (int i = 0; i < 6; ++i) {
      const bool keep = same.uniform<double>() < 0.6;
      factors.push_back(keep ? 1 / 0.6 : 0.0);
      (keep ? kept : dropped) = true;
    }
    check_close(found.value(), block_by_parts(block, x, factors));
  }
  CHECK(dropped);
  CHECK(kept);
  Tape<double> without;
  CHECK(error_of([&] { block(Var<double, 3>(x, &without)); }) ==
        "drop_path: rate = 0.4 needs random numbers, but the tape was made without a generator");
}

TEST_CASE("TransformerBlock: gradients") {
  TransformerBlockConfig scaled = small();
  scaled.init_values = 0.1;
  scaled.qkv_bias = false;
  TransformerBlockConfig dropping = scaled;
  dropping.drop_path = 0.4;
  dropping.proj_drop = 0.3;
  const std::vector<std::pair<std::string, TransformerBlockConfig>> cases{
      {"TransformerBlock", small()},
      {"TransformerBlock, LayerScale", scaled},
      {"TransformerBlock, LayerScale, drop path and dropout", dropping}};
  for (const auto& [what, config] : cases) {
    WithInput model(TransformerBlock<double>(config), random_tensor<3>({3, 4, 8}, 3));
    CHECK(gradient_error(
              what, model,
              [&](Tape<double>* tape) { return random_sum(model.module(model.input.on(tape))); },
              {.per_parameter = 12, .seed = 8}) == "");
    CHECK(gradient_error(what + ", last tokens", model,
                         [&](Tape<double>* tape) {
                           return random_sum(model.module.last_tokens(model.input.on(tape), 2));
                         },
                         {.per_parameter = 12, .seed = 8}) == "");
  }
}

TEST_CASE("TransformerBlock: weights that were never initialized are not trained") {
  const auto x = random_tensor<3>({1, 2, 8}, 2);
  TransformerBlock<double> block(small());
  Tape<double> tape;
  CHECK(error_of([&] { block(Var<double, 3>(x, &tape)); }) ==
        "TransformerBlock: all weights are zero; call initialize(model, recipe, generator) or load "
        "weights before training");
  CHECK(tape.entries() == 0);
  CHECK(block(Var(x)).value() == x);  // without a tape zeros are numbers like others
  block.mlp.fc2.weight.value(0, 0) = 1;
  CHECK(block(Var<double, 3>(x, &tape)).value() == x);
}

TEST_CASE("TransformerBlock: what makes no block is refused") {
  const auto message = [](auto change) {
    TransformerBlockConfig config = small();
    change(config);
    return error_of([&] { TransformerBlock<float> block(config); });
  };
  CHECK(message([](auto& config) { config.num_heads = 3; }) ==
        "Attention: num_heads = 3 must be positive and divide dim = 8");
  CHECK(message([](auto& config) { config.mlp_hidden = 0; }) ==
        "Linear: in = 8 and out = 0 must be positive");
  CHECK(message([](auto& config) { config.drop_path = 1; }) ==
        "TransformerBlock: drop_path = 1 is outside [0, 1)");
  CHECK(message([](auto& config) { config.proj_drop = std::nan(""); }) ==
        "Attention: drop_rate = nan is outside [0, 1)");
  CHECK(message([](auto& config) { config.init_values = std::nan(""); }) ==
        "LayerScale: init_value = nan must be finite");
  CHECK(message([](auto& config) { config.layer_norm_eps = std::nan(""); }) ==
        "LayerNorm: eps = nan must be finite and not negative");
}

}  // namespace
}  // namespace tessera::test
