// Weights right after initialization, from the same seed, against torch, timm and lightly.

#include <map>
#include <nlohmann/json.hpp>

#include "support/catch.hpp"
#include "support/models/fixture_models.hpp"
#include "tessera/models/initialize.hpp"

namespace tessera::test {
namespace {

/// Which distribution each parameter was drawn from last.
std::map<std::string, std::string> last_draws(const Fixture& fixture) {
  std::map<std::string, std::string> draws;
  for (const auto& draw : nlohmann::json::parse(fixture.text("draws"))) {
    draws[draw[0].get<std::string>()] = draw[1].get<std::string>();
  }
  return draws;
}

/// Uniform draws and constants must agree to the bit, normal ones and tables within 1e-6.
template <Module Model>
void check_weights(const Fixture& fixture, const Model& model,
                   const std::set<std::string>& absent = {}) {
  const auto draws = last_draws(fixture);
  Model stored = model;
  fixture.load(stored, absent);
  const auto found = named_parameters(model);
  const auto expected = named_parameters(stored);
  std::size_t uniform = 0;
  double worst = 0;
  for (std::size_t i = 0; i < found.size(); ++i) {
    const std::string& name = found[i].name;
    if (absent.contains(name)) continue;
    const auto drawn = draws.find(name);
    const bool exact =
        drawn == draws.end() ? !name.ends_with("pos_embed") : drawn->second.starts_with("uniform");
    if (drawn != draws.end() && exact) ++uniform;
    double apart = 0;
    for (std::size_t j = 0; j < found[i].values.size(); ++j) {
      apart = std::max<double>(apart, std::abs(found[i].values[j] - expected[i].values[j]));
    }
    INFO(fixture.name() << ": " << name << " is apart by " << apart);
    CHECK(apart <= (exact ? 0.0 : 1e-6));
    worst = std::max(worst, apart);
  }
  CHECK(uniform > 0);
  ParityTable::instance().add<float>(fixture.name(), "first weights, absolute", worst);
}

Generator seeded(const Fixture& fixture) {
  return Generator(static_cast<std::uint64_t>(fixture.integer("seed")));
}

TEST_CASE("initialize: MAE as the published code", "[parity]") {
  const Fixture fixture("init_mae");
  MAE<float> mae(mae_config_of(fixture));
  Generator generator = seeded(fixture);
  initialize(mae, init_recipe_from_name(fixture.text("recipe")), generator);
  check_weights(fixture, mae);
}

TEST_CASE("initialize: timm's encoder with registers", "[parity]") {
  const Fixture fixture("init_timm");
  MaskedVisionTransformer<float> encoder(encoder_config(fixture));
  Generator generator = seeded(fixture);
  initialize(encoder, init_recipe_from_name(fixture.text("recipe")), generator);
  check_weights(fixture, encoder, {"mask_token"});
}

TEST_CASE("initialize: lightly's encoder and decoder", "[parity]") {
  const Fixture encoder_fixture("init_lightly_encoder");
  MaskedVisionTransformer<float> encoder(encoder_config(encoder_fixture));
  Generator generator = seeded(encoder_fixture);
  initialize(encoder, InitRecipe::lightly, generator);
  check_weights(encoder_fixture, encoder);

  const Fixture decoder_fixture("init_lightly_decoder");
  MaskedVisionTransformerDecoder<float> decoder(decoder_config(decoder_fixture));
  generator = seeded(decoder_fixture);
  initialize(decoder, InitRecipe::lightly, generator);
  check_weights(decoder_fixture, decoder);
}

/// The encoder, then the predictor: a fixture may have either alone.
struct WithoutTarget {
  using scalar_type = float;

  explicit WithoutTarget(const IJEPA<float>& ijepa)
      : encoder(ijepa.encoder),
        predictor_embed(ijepa.predictor_embed),
        predictor(ijepa.predictor),
        predictor_proj(ijepa.predictor_proj) {}

  MaskedVisionTransformer<float> encoder;
  Linear<float> predictor_embed;
  MaskedVisionTransformerDecoder<float> predictor;
  Linear<float> predictor_proj;

  static void visit(auto& self, auto&& visitor) {
    visitor("encoder", self.encoder);
    visitor("predictor_embed", self.predictor_embed);
    visitor("predictor", self.predictor);
    visitor("predictor_proj", self.predictor_proj);
  }
};

TEST_CASE("initialize: I-JEPA as the published code", "[parity]") {
  const Fixture fixture("init_ijepa");
  IJEPA<float> ijepa(ijepa_config_of(fixture));
  Generator generator = seeded(fixture);
  initialize(ijepa, init_recipe_from_name(fixture.text("recipe")), generator);
  check_weights(fixture, WithoutTarget(ijepa));
}

TEST_CASE("initialize: lightly's I-JEPA predictor follows its encoder", "[parity]") {
  const Fixture fixture("init_ijepa_predictor_lightly");
  const auto init_predictor = [](auto& model, Generator& generator) {
    init_linears(model.predictor, LinearInit::torch_default, generator);
    init_linears(model.predictor_embed, LinearInit::torch_default, generator);
    init_linears(model.predictor_proj, LinearInit::torch_default, generator);
  };
  Predictor<float> alone(fixture.integer("embed_dim"), decoder_config(fixture));
  Generator generator = seeded(fixture);
  init_predictor(alone, generator);
  check_weights(fixture, alone);

  // Of the whole model: the encoder's draws come first.
  const Fixture whole("init_ijepa");
  IJEPA<float> expected(ijepa_config_of(whole));
  IJEPA<float> ijepa = expected;
  Generator first(21);
  initialize(expected.encoder, InitRecipe::lightly, first);
  init_predictor(expected, first);
  Generator second(21);
  initialize(ijepa, InitRecipe::lightly, second);
  CHECK(first == second);
  const auto wanted = named_parameters(expected);
  const auto found = named_parameters(ijepa);
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (found[i].name.starts_with("target_encoder.")) continue;
    INFO(found[i].name);
    CHECK(std::equal(found[i].values.begin(), found[i].values.end(), wanted[i].values.begin()));
  }
}

}  // namespace
}  // namespace tessera::test
