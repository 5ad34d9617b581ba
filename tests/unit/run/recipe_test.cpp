#include "tessera/run/recipe.hpp"

#include <array>
#include <cmath>
#include <numbers>
#include <set>

#include "support/catch.hpp"
#include "support/near.hpp"
#include "support/run/little_recipes.hpp"
#include "support/throws.hpp"

namespace tessera::run::test {

using tessera::test::error_of;
using tessera::test::near;

TEST_CASE("MAE's recipe is the published one") {
  const MaeRecipe recipe = mae_pretraining();
  CHECK(recipe.model.norm_pix_loss);
  CHECK(recipe.model.encoder.embed_dim == 768);
  CHECK(recipe.model.decoder_depth == 8);
  CHECK(recipe.mask_ratio == 0.75);
  const Optimization& how = recipe.optimization;
  CHECK(how.batch == 4096);
  CHECK(how.peak_rate == near(2.4e-3, 1e-15));
  // lr_sched.py: linear over 40 epochs, half a cosine over the other 760, at fractional epochs.
  const Index per_epoch = 312;  // 1281167 pictures, batches of 4096
  for (const Index step : {0, 1, 100, 12479, 12480, 100000, 249599}) {
    const double epoch = static_cast<double>(step) / 312;
    const double rate = epoch < 40
                            ? 2.4e-3 * epoch / 40
                            : 2.4e-3 * 0.5 * (1 + std::cos(std::numbers::pi * (epoch - 40) / 760));
    const AdamWConfig config = adamw_at(how, step, per_epoch);
    CHECK(config.lr == near(rate, 1e-15));
    CHECK(config.weight_decay == near(0.05, 1e-15));
    CHECK(config.beta1 == 0.9);
    CHECK(config.beta2 == 0.95);
  }
}

TEST_CASE("I-JEPA's recipe is the published one") {
  const IjepaRecipe recipe = ijepa_pretraining();
  CHECK(recipe.model.encoder.embed_dim == 1280);
  CHECK(recipe.masks.patch_size == 14);
  CHECK(recipe.masks.mode == MultiBlockMode::reference);
  CHECK(recipe.start_momentum == 0.996);
  const Optimization& how = recipe.optimization;
  const Index per_epoch = 625;
  CHECK(adamw_at(how, 0, per_epoch).lr == near(2e-4, 1e-15));
  CHECK(adamw_at(how, 40 * 625, per_epoch).lr == near(1e-3, 1e-15));
  CHECK(adamw_at(how, 20 * 625, per_epoch).lr == near(6e-4, 1e-15));
  CHECK(adamw_at(how, 300 * 625, per_epoch).lr == near(1e-6, 1e-15));
  CHECK(adamw_at(how, 0, per_epoch).weight_decay == near(0.04, 1e-15));
  CHECK(adamw_at(how, 150 * 625, per_epoch).weight_decay == near(0.22, 1e-15));
  CHECK(adamw_at(how, 300 * 625, per_epoch).weight_decay == near(0.4, 1e-15));
  CHECK(adamw_at(how, 0, per_epoch).beta2 == 0.999);
}

TEST_CASE("another batch takes its rates in proportion") {
  const Optimization small = with_batch(mae_pretraining().optimization, 256);
  CHECK(small.batch == 256);
  CHECK(small.peak_rate == near(1.5e-4, 1e-18));
  CHECK(small.weight_decay == 0.05);
  CHECK(error_of([] { with_batch({}, 0); }) == "with_batch: batch = 0 is not positive");
}

TEST_CASE("an optimization that cannot be carried out is refused") {
  const auto error = [](const Optimization& how) {
    return error_of([&] { check_optimization("op", how); });
  };
  CHECK(error({.batch = 0}) == "op: batch = 0 is not positive");
  CHECK(error({.epochs = 0}) == "op: epochs = 0 is not positive");
  CHECK(error({.epochs = 40}) == "op: warmup_epochs = 40 is not in [0, 40), the epochs");
  CHECK(error({.peak_rate = -1}) == "op: peak_rate = -1 is negative or not finite");
  CHECK(error({.weight_decay = std::nan("")}) ==
        "op: weight_decay = nan is negative or not finite");
  CHECK_NOTHROW(check_optimization("op", {}));
}

TEST_CASE("settings have names of their own and tell recipes apart") {
  for (const SettingList& settings :
       {settings_of(mae_pretraining()), settings_of(ijepa_pretraining())}) {
    std::set<std::string> names;
    for (const auto& [name, value] : settings) {
      CHECK(names.insert(name).second);
      CHECK_FALSE(value.empty());
    }
  }
  CHECK(settings_of(mae_pretraining())[0] == std::pair<std::string, std::string>("method", "mae"));
  const MaeRecipe recipe = little_mae(4, 6);
  const SettingList settings = settings_of(recipe);
  const auto changed = [&](const auto& change) {
    MaeRecipe other = recipe;
    change(other);
    return settings_of(other) != settings;
  };
  CHECK_FALSE(changed([](MaeRecipe&) {}));
  CHECK(changed([](MaeRecipe& r) { r.mask_ratio += 1e-15; }));
  CHECK(changed([](MaeRecipe& r) { r.optimization.clip_norm = 2; }));
  CHECK(changed([](MaeRecipe& r) { r.augmentation.views[0].flip = 0.25; }));
  CHECK(changed([](MaeRecipe& r) { r.augmentation.normalization.std[2] = 0.5; }));
  CHECK(changed([](MaeRecipe& r) { r.model.encoder.init_values = 0.1; }));
  CHECK(changed([](MaeRecipe& r) { r.model.decoder_mlp_ratio = 3; }));
  CHECK(changed([](MaeRecipe& r) { r.initialization = InitRecipe::timm; }));
}

}  // namespace tessera::run::test
