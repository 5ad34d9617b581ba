#include "tessera/models/initialize.hpp"

#include "support/catch.hpp"
#include "support/models/tiny_models.hpp"
#include "support/throws.hpp"

// That the weights are those of the published code, timm and lightly is in
// initialize_parity_test.cpp. lightly's shared mask token has no counterpart here.

namespace tessera::test {
namespace {

constexpr InitRecipe recipes[] = {InitRecipe::mae, InitRecipe::ijepa, InitRecipe::timm,
                                  InitRecipe::lightly};

template <Module Model>
std::vector<float> all_values(const Model& model) {
  std::vector<float> values;
  for (const auto& parameter : named_parameters(model)) {
    values.insert(values.end(), parameter.values.begin(), parameter.values.end());
  }
  return values;
}

bool is_zero(std::span<const float> values) {
  return std::all_of(values.begin(), values.end(), [](float x) { return x == 0; });
}

TEST_CASE("recipes: have names, and other names are refused") {
  CHECK(init_recipe_from_name("mae") == InitRecipe::mae);
  CHECK(init_recipe_from_name("ijepa") == InitRecipe::ijepa);
  CHECK(init_recipe_from_name("timm") == InitRecipe::timm);
  CHECK(init_recipe_from_name("lightly") == InitRecipe::lightly);
  CHECK(error_of([] { init_recipe_from_name("jax"); }) ==
        "init_recipe_from_name: there is no recipe \"jax\"; known are mae, ijepa, timm and "
        "lightly");
}

/// True if a parameter may be zero after initialization.
bool starts_as_zero(const std::string& name) {
  return name.ends_with("bias") || name == "encoder.mask_token" ||
         name == "target_encoder.mask_token";
}

TEST_CASE("initialize: registers are drawn as the class token, and by lightly as timm draws them") {
  const auto largest_register = [](InitRecipe recipe) {
    Generator generator(1);
    MaskedVisionTransformerConfig config = tiny_mae().encoder;
    config.reg_tokens = 50;
    MaskedVisionTransformer<double> encoder(config);
    initialize(encoder, recipe, generator);
    return encoder.reg_token->value.array().abs().maxCoeff();
  };
  CHECK(largest_register(InitRecipe::mae) > 0.04);
  CHECK(largest_register(InitRecipe::mae) < 0.12);
  for (const InitRecipe recipe : {InitRecipe::timm, InitRecipe::lightly}) {
    CHECK(largest_register(recipe) > 2e-6);
    CHECK(largest_register(recipe) < 6e-6);
  }
}

TEST_CASE("initialize: leaves no weight of MAE or I-JEPA at zero, whatever the recipe") {
  for (const InitRecipe recipe : recipes) {
    Generator generator(1);
    MAEConfig config = tiny_mae();
    config.encoder.reg_tokens = 2;
    config.encoder.pos_embed = PositionEmbedding::learned;
    MAE<float> mae(config);
    initialize(mae, recipe, generator);
    for (const auto& parameter : named_parameters(mae)) {
      INFO(parameter.name);
      if (!starts_as_zero(parameter.name)) CHECK_FALSE(is_zero(parameter.values));
    }
    IJEPA<float> ijepa(tiny_ijepa());
    initialize(ijepa, recipe, generator);
    for (const auto& parameter : named_parameters(ijepa)) {
      INFO(parameter.name);
      const bool zero_in_lightly =
          recipe == InitRecipe::lightly && parameter.name == "predictor.mask_token";
      if (zero_in_lightly) CHECK(is_zero(parameter.values));
      if (!starts_as_zero(parameter.name) && !zero_in_lightly) {
        CHECK_FALSE(is_zero(parameter.values));
      }
    }
    CHECK(all_values(ijepa.target_encoder) == all_values(ijepa.encoder));
    CHECK_FALSE(ijepa.target_encoder.mask_token.trainable);
  }
}

TEST_CASE("initialize: depends on recipe and seed alone, not on what was there before") {
  for (const InitRecipe recipe : recipes) {
    MAEConfig config = tiny_mae();
    config.encoder.init_values = 0.25;
    MAE<float> fresh(config);
    MAE<float> used = random_model<MAE, float>(config);
    Generator first(3);
    Generator second(3);
    initialize(fresh, recipe, first);
    initialize(used, recipe, second);
    CHECK(all_values(used) == all_values(fresh));
    CHECK(used.encoder.blocks[1].ls2->gamma.value == Tensor<float, 1>({12}, 0.25F));
    Generator other(4);
    initialize(used, recipe, other);
    CHECK(all_values(used) != all_values(fresh));

    IJEPA<float> fresh_ijepa(tiny_ijepa());
    IJEPA<float> used_ijepa = random_model<IJEPA, float>(tiny_ijepa());
    Generator third(5);
    Generator fourth(5);
    initialize(fresh_ijepa, recipe, third);
    initialize(used_ijepa, recipe, fourth);
    CHECK(all_values(used_ijepa) == all_values(fresh_ijepa));
  }
}

TEST_CASE("initialize: a learned table is drawn anew, a fixed one stays") {
  MaskedVisionTransformerConfig config = tiny_encoder();
  MaskedVisionTransformer<float> fixed(config);
  Generator generator(6);
  initialize(fixed, InitRecipe::timm, generator);
  CHECK(fixed.pos_embed.value == sincos_position_embedding<float>(12, {3, 4}, 1));
  config.pos_embed = PositionEmbedding::learned;
  MaskedVisionTransformer<float> learned(config);
  initialize(learned, InitRecipe::timm, generator);
  const auto first = learned.pos_embed.value;
  CHECK(learned.pos_embed.trainable);
  initialize(learned, InitRecipe::timm, generator);
  CHECK_FALSE(learned.pos_embed.value == first);
}

TEST_CASE("initialize: MAE by lightly is its encoder, its decoder and torch's Linears") {
  Generator generator(7);
  MAE<float> mae(tiny_mae());
  initialize(mae, InitRecipe::lightly, generator);
  Generator same(7);
  MAE<float> parts(tiny_mae());
  initialize(parts.encoder, InitRecipe::lightly, same);
  initialize(parts.decoder, InitRecipe::lightly, same);
  init_linears(parts.decoder_embed, LinearInit::torch_default, same);
  init_linears(parts.prediction_head, LinearInit::torch_default, same);
  CHECK(all_values(mae) == all_values(parts));
  CHECK(generator == same);
}

}  // namespace
}  // namespace tessera::test
