#include "tessera/run/recipe.hpp"

#include <array>
#include <cmath>
#include <numbers>

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
  // schedulers.py counts up before it computes: the first step of a run is number 1, the last N.
  const auto rate = [](double number) {
    if (number < 25000) return 2e-4 + number / 25000 * (1e-3 - 2e-4);
    const double along = (number - 25000) / 162500;
    return 1e-6 + (1e-3 - 1e-6) * 0.5 * (1 + std::cos(std::numbers::pi * along));
  };
  const auto decay = [](double number) {
    return 0.4 + (0.04 - 0.4) * 0.5 * (1 + std::cos(std::numbers::pi * number / 187500));
  };
  for (const Index step : {0, 1, 2, 24998, 24999, 25000, 100000, 187497, 187498, 187499}) {
    const AdamWConfig config = adamw_at(how, step, per_epoch);
    CAPTURE(step);
    CHECK(config.lr == near(rate(static_cast<double>(step) + 1), 1e-15));
    CHECK(config.weight_decay == near(decay(static_cast<double>(step) + 1), 1e-15));
  }
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
  CHECK(error({.peak_rate = -1}) == "op: peak_rate = -1 is not positive");
  CHECK(error({.peak_rate = 1, .weight_decay = std::nan("")}) ==
        "op: weight_decay = nan is negative or not finite");
  CHECK(error({.peak_rate = 1, .first_step = 2}) == "op: first_step = 2 is neither 0 nor 1");
  CHECK(error({.peak_rate = 1, .beta1 = 1}).starts_with("AdamW: beta1 = 1"));
  CHECK_NOTHROW(check_optimization("op", {.peak_rate = 1}));
}

TEST_CASE("a recipe that would fail late is refused at once") {
  const auto mae_error = [](const auto& change) {
    MaeRecipe recipe = little_mae(4, 6);
    change(recipe);
    return error_of([&] { check_recipe("op", recipe); });
  };
  CHECK(mae_error([](MaeRecipe& r) { r.mask_ratio = 2; }) == "op: mask_ratio = 2 is not in [0, 1]");
  CHECK(mae_error([](MaeRecipe& r) { r.augmentation.views[0].count = 2; }) ==
        "op: the augmentation has several views; this method takes one");
  IjepaRecipe ijepa = little_ijepa(4, 6);
  ijepa.final_momentum = 1.01;
  CHECK(error_of([&] { check_recipe("op", ijepa); }) ==
        "op: final_momentum = 1.01 is not in [0, 1]");
}

}  // namespace tessera::run::test
