// Gradient clipping against torch, schedules against the published recipes.

#include "support/catch.hpp"
#include "support/fixture.hpp"
#include "support/weighted_sum.hpp"
#include "tessera/ops/add.hpp"
#include "tessera/train/clip.hpp"
#include "tessera/train/schedule.hpp"

namespace tessera::test {
namespace {

template <class Scalar>
struct ThreeParameters {
  using scalar_type = Scalar;

  Parameter<Scalar, 2> matrix;
  Parameter<Scalar, 1> vector;
  Parameter<Scalar, 3> token;

  static void visit(auto& self, auto&& visitor) {
    visitor("0", self.matrix);
    visitor("1", self.vector);
    visitor("2", self.token);
  }
};

TEMPLATE_TEST_CASE("clip_grad_norm: is torch's", "[parity]", float, double) {
  const Fixture fixture("optim");
  for (const std::string name : {"clipped", "untouched"}) {
    const auto dmatrix = fixture.tensor<TestType, 2>("input." + name + ".0");
    const auto dvector = fixture.tensor<TestType, 1>("input." + name + ".1");
    const auto dtoken = fixture.tensor<TestType, 3>("input." + name + ".2");
    ThreeParameters<TestType> model;
    model.matrix.value = dmatrix;
    model.vector.value = dvector;
    model.token.value = dtoken;
    Tape<TestType> tape;
    tape.backward(add(add(weighted_sum(model.matrix.on(&tape), dmatrix),
                          weighted_sum(model.vector.on(&tape), dvector)),
                      weighted_sum(model.token.on(&tape), dtoken)));
    const double norm = clip_grad_norm(model, tape, fixture.number(name + ".max_norm"));
    const std::string output = "output." + name + ".";
    CHECK(fixture.mismatch(output + "total_norm",
                           Tensor<TestType, 0>({}, static_cast<TestType>(norm))) == "");
    CHECK(fixture.mismatch(output + "0", *tape.gradient(model.matrix.value)) == "");
    CHECK(fixture.mismatch(output + "1", *tape.gradient(model.vector.value)) == "");
    CHECK(fixture.mismatch(output + "2", *tape.gradient(model.token.value)) == "");
  }
}

/// Compares a schedule at `steps` / `unit`. Past `last` a published cosine turns round; here it
/// stays.
template <class Schedule>
void check_schedule(const Fixture& fixture, const std::string& name, const Schedule& schedule,
                    const Tensor<Index, 1>& steps, double unit, double last) {
  const auto published = fixture.tensor<double, 1>(name);
  REQUIRE(published.size() == steps.size());
  double worst = 0;
  for (Index i = 0; i < steps.size(); ++i) {
    const double position = static_cast<double>(steps(i)) / unit;
    const double expected = position <= last ? published(i) : schedule.final;
    const double found = schedule(position);
    if (expected == 0) {
      CHECK(found == 0);
    } else {
      worst = std::max(worst, std::abs(found - expected) / expected);
    }
  }
  CHECK(worst <= 1e-11);
  ParityTable::instance().add<double>(fixture.name(), name.substr(7), worst);
}

TEST_CASE("schedules: rate of MAE, and rate, decay and momentum of I-JEPA", "[parity]") {
  const Fixture fixture("optim");
  const WarmupCosine mae{.peak = fixture.number("mae.base_lr"),
                         .final = fixture.number("mae.min_lr"),
                         .warmup = fixture.number("mae.warmup_epochs"),
                         .total = fixture.number("mae.epochs")};
  check_schedule(fixture, "output.mae.lr", mae, fixture.index<1>("input.mae.step"),
                 fixture.number("mae.steps_per_epoch"), mae.total);

  const double total = fixture.number("ijepa.total_steps");
  const auto steps = fixture.index<1>("input.ijepa.step");
  const WarmupCosine rate{.start = fixture.number("ijepa.start_lr"),
                          .peak = fixture.number("ijepa.base_lr"),
                          .final = fixture.number("ijepa.final_lr"),
                          .warmup = fixture.number("ijepa.warmup_steps"),
                          .total = total};
  check_schedule(fixture, "output.ijepa.lr", rate, steps, 1, total);
  const double start = fixture.number("ijepa.start_wd");
  const double final = fixture.number("ijepa.final_wd");
  const WarmupCosine rising{.peak = start, .final = final, .total = total};
  const WarmupCosine falling{.peak = final, .final = start, .total = total};
  check_schedule(fixture, "output.ijepa.wd", rising, steps, 1, total);
  check_schedule(fixture, "output.ijepa.wd_falling", falling, steps, 1, total);

  const LinearSchedule momentum{.start = fixture.number("ijepa.start_momentum"),
                                .final = fixture.number("ijepa.final_momentum"),
                                .total = fixture.number("ijepa.momentum_steps")};
  const auto momentum_steps = fixture.index<1>("input.ijepa.momentum_step");
  check_schedule(fixture, "output.ijepa.momentum", momentum, momentum_steps, 1, momentum.total);
}

}  // namespace
}  // namespace tessera::test
