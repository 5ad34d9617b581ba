#include "tessera/train/ema.hpp"

#include "support/catch.hpp"
#include "support/close.hpp"
#include "support/heap/heap_watch.hpp"
#include "support/near.hpp"
#include "support/random_tensor.hpp"
#include "support/throws.hpp"

namespace tessera::test {
namespace {

struct Toy {
  using scalar_type = double;

  explicit Toy(std::uint64_t seed, Index size = 3) {
    weight.value = random_tensor<1>({size}, seed);
    table = {random_tensor<2>({2, 2}, seed + 1), false};
  }

  Parameter<double, 1> weight;
  Parameter<double, 2> table;
  std::optional<Parameter<double, 1>> extra;

  static void visit(auto& self, auto&& visitor) {
    visitor("weight", self.weight);
    visitor("table", self.table);
    visitor("extra", self.extra);
  }
};

TEST_CASE("update_ema: moves every parameter, frozen ones included, and only the average") {
  Toy average(1);
  const Toy before = average;
  const Toy model(5);
  update_ema(average, model, 0.75);
  for (Index i = 0; i < 3; ++i) {
    CHECK(average.weight.value(i) ==
          near(0.75 * before.weight.value(i) + 0.25 * model.weight.value(i), 1e-15));
  }
  for (Index i = 0; i < 4; ++i) {
    CHECK(average.table.value.data()[i] ==
          near(0.75 * before.table.value.data()[i] + 0.25 * model.table.value.data()[i], 1e-15));
  }
  CHECK(model.weight.value == Toy(5).weight.value);
  CHECK_FALSE(average.table.trainable);
}

TEST_CASE("update_ema: at momentum 1 nothing moves, at 0 the average is the model") {
  const Toy model(5);
  Toy average(1);
  update_ema(average, model, 1);
  CHECK(average.weight.value == Toy(1).weight.value);
  update_ema(average, model, 0);
  CHECK(average.weight.value == model.weight.value);
  CHECK(average.table.value == model.table.value);
}

TEST_CASE("update_ema: equal models stay equal bit for bit, however often") {
  const Toy model(5);
  Toy average(5);
  for (int step = 0; step < 1000; ++step) update_ema(average, model, 0.996 + 4e-6 * step);
  for (int step = 0; step < 1000; ++step) update_ema(average, model, 0.3);
  CHECK(average.weight.value == model.weight.value);
  CHECK(average.table.value == model.table.value);
}

TEST_CASE("update_ema: refuses and changes nothing") {
  Toy average(1);
  const Toy model(5);
  for (const auto& [momentum, text] : std::vector<std::pair<double, std::string>>{
           {-0.1, "-0.1"}, {1.5, "1.5"}, {std::nan(""), "nan"}}) {
    CHECK(error_of([&, momentum = momentum] { update_ema(average, model, momentum); }) ==
          "update_ema: momentum = " + text + " is outside [0, 1]");
  }
  CHECK(error_of([&] { update_ema(average, Toy(5, 4), 0.5); }) ==
        "update_ema: parameter weight [3] meets weight [4]");
  Toy longer(5);
  longer.extra.emplace();
  CHECK(error_of([&] { update_ema(average, longer, 0.5); }) ==
        "update_ema: the models have 2 and 3 parameters");
  CHECK(average.weight.value == Toy(1).weight.value);
  CHECK(average.table.value == Toy(1).table.value);
}

TEST_CASE("update_ema: whichever call for memory fails, nothing is changed") {
  Toy average(1);
  const Toy model(5);
  const std::size_t failed = fail_each_call([&] { update_ema(average, model, 0.25); },
                                            [&] {
                                              CHECK(average.weight.value == Toy(1).weight.value);
                                              CHECK(average.table.value == Toy(1).table.value);
                                            });
  CHECK((failed > 3 || heap_use().calls == 0));
  CHECK(average.weight.value != Toy(1).weight.value);
}

}  // namespace
}  // namespace tessera::test
