// Ten steps of a tiny MAE and a tiny I-JEPA against torch.optim.AdamW.

#include "support/catch.hpp"
#include "support/models/fixture_models.hpp"
#include "tessera/train/adamw.hpp"
#include "tessera/train/ema.hpp"
#include "tessera/train/schedule.hpp"

namespace tessera::test {
namespace {

/// In float, Adam blows the rounding of gradients that are zero up to whole steps, so that weights
/// without effect drift; the losses still agree.
template <class Scalar>
inline constexpr double loss_tolerance = std::is_same_v<Scalar, float> ? 1e-4 : 1e-8;

/// The largest distances of final weights in float from torch's in double.
struct Drift {
  double key_biases = 0;  ///< the middle thirds of qkv.bias
  double others = 0;
};

/// The gradient of a key bias is zero in exact arithmetic, since softmax does not see what all keys
/// have in common: AdamW makes steps of the learning rate's size of its rounding.
template <Module Model, Module Reference>
Drift drift_from(const Fixture& fixture, const Model& model, Reference reference) {
  std::set<std::string> frozen;  // which the file has no final weights of
  for (const auto& parameter : named_parameters(reference)) {
    if (!fixture.contains("final." + parameter.name)) frozen.insert(parameter.name);
  }
  fixture.load(reference, frozen, "final.");
  const auto found = named_parameters(model);
  const auto expected = named_parameters(reference);
  Drift drift;
  for (std::size_t p = 0; p < found.size(); ++p) {
    if (frozen.contains(found[p].name)) continue;
    const bool qkv_bias = found[p].name.ends_with("qkv.bias");
    const std::size_t count = found[p].values.size();
    for (std::size_t i = 0; i < count; ++i) {
      const bool of_key = qkv_bias && 3 * i / count == 1;
      double& worst = of_key ? drift.key_biases : drift.others;
      const double value = found[p].values[i];
      worst = std::max(worst, std::abs(value - expected[p].values[i]));
    }
  }
  return drift;
}

/// Part `step` of a tensor whose first axis counts steps.
TokenIndex at_step(const Tensor<Index, 3>& all, Index step) {
  const Index count = all.dim(1) * all.dim(2);
  return TokenIndex(
      {all.dim(1), all.dim(2)},
      std::span<const Index>(all.data() + step * count, static_cast<std::size_t>(count)));
}
std::vector<TokenIndex> at_step(const Tensor<Index, 4>& all, Index step) {
  std::vector<TokenIndex> masks;
  const Index count = all.dim(2) * all.dim(3);
  for (Index m = 0; m < all.dim(1); ++m) {
    const Index* first = all.data() + (step * all.dim(1) + m) * count;
    masks.emplace_back(Shape<2>{all.dim(2), all.dim(3)},
                       std::span<const Index>(first, static_cast<std::size_t>(count)));
  }
  return masks;
}

AdamWConfig adamw_config(const Fixture& fixture) {
  return {.beta1 = fixture.number("beta1"),
          .beta2 = fixture.number("beta2"),
          .eps = fixture.number("eps")};
}

TEMPLATE_TEST_CASE("training: ten steps of MAE follow torch", "[parity]", float, double) {
  const Fixture fixture("training_mae");
  MAE<TestType> mae(mae_config_of(fixture));
  fixture.load(mae);
  AdamW<TestType> optimizer(adamw_config(fixture));
  optimizer.config.weight_decay = fixture.number("weight_decay");
  const WarmupCosine rate{.peak = fixture.number("base_lr"),
                          .final = fixture.number("min_lr"),
                          .warmup = fixture.number("warmup_epochs"),
                          .total = fixture.number("epochs")};
  const auto images = fixture.tensor<TestType, 4>("input.images");
  const auto idx_keep = fixture.index<3>("input.idx_keep");
  const auto idx_mask = fixture.index<3>("input.idx_mask");
  const Index steps = fixture.integer("steps");
  REQUIRE(steps == 10);
  Tensor<TestType, 1> losses({steps});
  Tensor<double, 1> rates({steps});
  for (Index step = 0; step < steps; ++step) {
    optimizer.config.lr = rate(static_cast<double>(step) / fixture.number("steps_per_epoch"));
    Tape<TestType> tape;
    const auto loss =
        mae.loss(Var<TestType, 4>(images, &tape), at_step(idx_keep, step), at_step(idx_mask, step));
    tape.backward(loss);
    optimizer.step(mae, tape);
    losses(step) = loss.value().item();
    rates(step) = optimizer.config.lr;
  }
  CHECK(fixture.mismatch("output.lr", rates, 1e-14) == "");
  CHECK(fixture.mismatch("output.loss", losses, loss_tolerance<TestType>) == "");
  if (std::is_same_v<TestType, double>) {
    CHECK(fixture.parameter_mismatch(mae, "final.", "final weights", 1e-8) == "");
    CHECK(fixture.unused() == std::vector<std::string>());
  } else {
    const Drift drift = drift_from(fixture, mae, MAE<double>(mae_config_of(fixture)));
    INFO(concat(drift.key_biases, " ", drift.others));
    CHECK(drift.key_biases <= 1e-2);  // ten steps of the largest learning rate
    CHECK(drift.others <= 2e-6);
  }
}

TEMPLATE_TEST_CASE("training: ten steps of I-JEPA with its moving average follow torch", "[parity]",
                   float, double) {
  const Fixture fixture("training_ijepa");
  IJEPA<TestType> ijepa(ijepa_config_of(fixture));
  fixture.load(ijepa);
  AdamW<TestType> optimizer(adamw_config(fixture));
  const double total = fixture.number("total_steps");
  const WarmupCosine rate{.start = fixture.number("start_lr"),
                          .peak = fixture.number("base_lr"),
                          .final = fixture.number("final_lr"),
                          .warmup = fixture.number("warmup_steps"),
                          .total = total};
  const WarmupCosine decay{
      .peak = fixture.number("start_wd"), .final = fixture.number("final_wd"), .total = total};
  const LinearSchedule momentum{.start = fixture.number("start_momentum"),
                                .final = fixture.number("final_momentum"),
                                .total = fixture.number("momentum_steps")};
  const auto images = fixture.tensor<TestType, 4>("input.images");
  const auto contexts = fixture.index<4>("input.masks_context");
  const auto targets = fixture.index<4>("input.masks_target");
  const Index steps = fixture.integer("steps");
  REQUIRE(steps == 10);
  Tensor<TestType, 1> losses({steps});
  Tensor<double, 1> rates({steps});
  Tensor<double, 1> decays({steps});
  Tensor<double, 1> momenta({steps});
  for (Index step = 0; step < steps; ++step) {
    rates(step) = optimizer.config.lr = rate(static_cast<double>(step + 1));
    decays(step) = optimizer.config.weight_decay = decay(static_cast<double>(step + 1));
    momenta(step) = momentum(static_cast<double>(step));
    Tape<TestType> tape;
    const auto loss = ijepa.loss(Var<TestType, 4>(images, &tape), at_step(contexts, step),
                                 at_step(targets, step));
    tape.backward(loss);
    optimizer.step(ijepa, tape);
    update_ema(ijepa.target_encoder, ijepa.encoder, momenta(step));
    losses(step) = loss.value().item();
  }
  CHECK(fixture.mismatch("output.lr", rates, 1e-14) == "");
  CHECK(fixture.mismatch("output.wd", decays, 1e-14) == "");
  CHECK(fixture.mismatch("output.momentum", momenta, 1e-14) == "");
  CHECK(fixture.mismatch("output.loss", losses, loss_tolerance<TestType>) == "");
  if (std::is_same_v<TestType, double>) {
    CHECK(fixture.parameter_mismatch(ijepa, "final.", "final weights", 1e-8) == "");
    CHECK(fixture.unused() == std::vector<std::string>());
  } else {
    const Drift drift = drift_from(fixture, ijepa, IJEPA<double>(ijepa_config_of(fixture)));
    INFO(concat(drift.key_biases, " ", drift.others));
    CHECK(drift.key_biases <= 1e-2);  // ten steps of the largest learning rate
    CHECK(drift.others <= 2e-6);
  }
}

}  // namespace
}  // namespace tessera::test
