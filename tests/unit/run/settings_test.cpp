#include "tessera/run/settings.hpp"

#include <set>
#include <string>
#include <utility>

#include "support/catch.hpp"
#include "support/run/little_recipes.hpp"

namespace tessera::run::test {

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
  CHECK(changed([](MaeRecipe& r) { r.augmentation.views[0].jitter.hue = 1e-9; }));
  CHECK(changed([](MaeRecipe& r) { r.augmentation.views[0].solarize_threshold = 129; }));
  CHECK(changed([](MaeRecipe& r) { r.model.encoder.resampling = kernels::Bicubic::plain; }));
  CHECK(changed([](MaeRecipe& r) { r.model.encoder.activation = Activation::gelu_tanh; }));
  CHECK(changed([](MaeRecipe& r) { r.optimization.first_step = 1; }));
}

}  // namespace tessera::run::test
