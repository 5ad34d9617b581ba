#include "tessera/train/adamw.hpp"

#include <new>

#include "support/catch.hpp"
#include "support/heap/heap_watch.hpp"
#include "support/models/random_model.hpp"
#include "support/near.hpp"
#include "support/random_tensor.hpp"
#include "support/throws.hpp"
#include "support/weighted_sum.hpp"
#include "tessera/nn/layer_norm.hpp"
#include "tessera/nn/linear.hpp"
#include "tessera/ops/add.hpp"

namespace tessera::test {
namespace {

/// A matrix, which decays, a bias, which does not, and a parameter that takes no part in the loss.
struct Toy {
  using scalar_type = double;

  Toy() {
    weight.value = random_tensor<2>({2, 3}, 1);
    bias.value = random_tensor<1>({3}, 2);
    idle.value = random_tensor<2>({2, 2}, 3);
  }

  Parameter<double, 2> weight;
  Parameter<double, 1> bias;
  Parameter<double, 2> idle;

  static void visit(auto& self, auto&& visitor) {
    visitor("weight", self.weight);
    visitor("bias", self.bias);
    visitor("idle", self.idle);
  }

  friend bool operator==(const Toy& a, const Toy& b) {
    return a.weight.value == b.weight.value && a.bias.value == b.bias.value &&
           a.idle.value == b.idle.value;
  }
};

/// Two layers and a norm, zero as they are made.
struct LinearLayers {
  using scalar_type = double;

  Linear<double> first{3, 3};
  LayerNorm<double> norm{3, 1e-6};
  Linear<double> second{3, 2};

  static void visit(auto& self, auto&& visitor) {
    visitor("first", self.first);
    visitor("norm", self.norm);
    visitor("second", self.second);
  }
};

Tensor<double, 2> weight_gradient(std::uint64_t step) {
  return random_tensor<2>({2, 3}, 10 + step);
}
Tensor<double, 1> bias_gradient(std::uint64_t step) { return random_tensor<1>({3}, 20 + step); }

/// Leaves the gradients of this step in the tape.
void record(const Toy& toy, Tape<double>& tape, std::uint64_t step) {
  tape.backward(add(weighted_sum(toy.weight.on(&tape), weight_gradient(step)),
                    weighted_sum(toy.bias.on(&tape), bias_gradient(step))));
}

/// The update of one number as the paper's algorithm 2 has it.
struct OneNumber {
  double value;
  double first = 0;
  double second = 0;
  int steps = 0;

  void step(double gradient, const AdamWConfig& config, bool decay) {
    ++steps;
    if (decay) value -= config.lr * config.weight_decay * value;
    first = config.beta1 * first + (1 - config.beta1) * gradient;
    second = config.beta2 * second + (1 - config.beta2) * gradient * gradient;
    const double unbiased_first = first / (1 - std::pow(config.beta1, steps));
    const double unbiased_second = second / (1 - std::pow(config.beta2, steps));
    value -= config.lr * unbiased_first / (std::sqrt(unbiased_second) + config.eps);
  }
};

TEST_CASE("AdamW: five steps are the published algorithm, number by number") {
  Toy toy;
  const Toy before = toy;
  AdamW<double> optimizer(
      {.lr = 0.1, .beta1 = 0.8, .beta2 = 0.95, .eps = 1e-3, .weight_decay = 0.2});
  std::vector<OneNumber> weight;
  std::vector<OneNumber> bias;
  for (const double value : toy.weight.value) weight.push_back({value});
  for (const double value : toy.bias.value) bias.push_back({value});
  for (std::uint64_t step = 0; step < 5; ++step) {
    optimizer.config.lr = 0.1 + 0.02 * static_cast<double>(step);  // as a schedule sets it
    Tape<double> tape;
    record(toy, tape, step);
    CHECK(optimizer.step(toy, tape) == 2);
    const auto dweight = weight_gradient(step);
    const auto dbias = bias_gradient(step);
    for (std::size_t i = 0; i < weight.size(); ++i) {
      weight[i].step(dweight.data()[i], optimizer.config, true);
      CHECK(toy.weight.value.data()[i] == near_relative(weight[i].value, 1e-13));
    }
    for (std::size_t i = 0; i < bias.size(); ++i) {
      bias[i].step(dbias.data()[i], optimizer.config, false);
      CHECK(toy.bias.value.data()[i] == near_relative(bias[i].value, 1e-13));
    }
  }
  CHECK(toy.idle.value == before.idle.value);  // no gradient: not even decayed
  CHECK(optimizer.state.at("weight").steps == 5);
  CHECK_FALSE(optimizer.state.contains("idle"));
}

TEST_CASE("AdamW: vectors and biases do not decay, everything else does") {
  const std::vector<Index> vector{4};
  const std::vector<Index> matrix{4, 4};
  const std::vector<Index> token{1, 1, 4};
  using Role = ParameterRole;
  const auto decayed = [](const char* name, const std::vector<Index>& shape, ParameterRole role) {
    return decays(NamedParameter<float>{name, shape, {}, true, nullptr, role});
  };
  CHECK(decayed("blocks.0.attn.qkv.weight", matrix, Role::weight));
  CHECK(decayed("patch_embed.proj.weight", matrix, Role::patch_weight));
  CHECK(decayed("encoder.cls_token", token, Role::token));
  CHECK(decayed("decoder.mask_token", token, Role::token));
  CHECK(decayed("encoder.pos_embed", token, Role::position));
  CHECK_FALSE(decayed("norm.weight", vector, Role::norm_weight));
  CHECK_FALSE(decayed("norm.bias", vector, Role::norm_bias));
  CHECK_FALSE(decayed("blocks.0.ls1.gamma", vector, Role::layer_scale));
  CHECK_FALSE(decayed("fc1.bias", vector, Role::bias));
  CHECK_FALSE(decayed("patch_embed.proj.bias", vector, Role::patch_bias));
  CHECK_FALSE(decayed("relative.bias", matrix, Role::bias));
}

TEST_CASE("AdamW: without a role the shape decides, whatever the name says") {
  const std::vector<Index> vector{4};
  const std::vector<Index> matrix{4, 4};
  const auto decayed = [](const char* name, const std::vector<Index>& shape) {
    return decays(NamedParameter<float>{name, shape, {}, true, nullptr});
  };
  CHECK(decayed("attention_bias", matrix));
  CHECK_FALSE(decayed("weight", vector));
}

TEST_CASE("AdamW: the state belongs to names, so a copy of the model goes on with it") {
  Toy toy;
  AdamW<double> optimizer({.lr = 0.1});
  Tape<double> first;
  record(toy, first, 0);
  optimizer.step(toy, first);

  Toy copy = toy;
  AdamW<double> resumed = optimizer;
  Tape<double> second;
  record(toy, second, 1);
  optimizer.step(toy, second);
  Tape<double> third;
  record(copy, third, 1);
  resumed.step(copy, third);
  CHECK(copy == toy);
}

TEST_CASE("AdamW: what cannot be right is refused and changes nothing") {
  Toy toy;
  const Toy before = toy;
  AdamW<double> optimizer;

  Tape<double> empty;
  CHECK(error_of([&] { optimizer.step(toy, empty); }) ==
        "AdamW::step: the tape holds no gradient of this model");
  Tape<double> not_walked;
  (void)toy.weight.on(&not_walked);
  CHECK(error_of([&] { optimizer.step(toy, not_walked); }) ==
        "AdamW::step: the tape holds no gradient of this model");

  Tape<double> foreign;
  const Parameter<double, 1> forgotten{Tensor<double, 1>({2})};
  foreign.backward(add(weighted_sum(toy.bias.on(&foreign), bias_gradient(0)),
                       weighted_sum(forgotten.on(&foreign), Tensor<double, 1>({2}))));
  CHECK(error_of([&] { optimizer.step(toy, foreign); }) ==
        "AdamW::step: the tape recorded 2 parameters, but only 1 of them are in the model: it "
        "moved or was copied since, or a module's visit leaves parameters out");

  Tape<double> tape;
  record(toy, tape, 0);
  optimizer.state["bias"] = {Tensor<double, 1>({2}), Tensor<double, 1>({3}), 4};
  CHECK(error_of([&] { optimizer.step(toy, tape); }) ==
        "AdamW::step: the state of bias has 2 and 3 values, not 3");
  CHECK(optimizer.state.size() == 1);
  CHECK(optimizer.state.at("bias").steps == 4);
  optimizer.state["bias"].steps = -1;
  CHECK(error_of([&] { optimizer.step(toy, tape); }) ==
        "AdamW::step: the state of bias has steps = -1");
  CHECK(toy == before);

  optimizer.state.clear();
  optimizer.config.lr = std::nan("");
  CHECK(error_of([&] { optimizer.step(toy, tape); }) ==
        "AdamW: lr = nan must be finite and not negative");
  CHECK(toy == before);
  CHECK(optimizer.state.empty());
  optimizer.config.lr = 0.1;
  CHECK(optimizer.step(toy, tape) == 2);  // and then it goes on
}

TEST_CASE("AdamW: a model that moved since it was recorded is refused") {
  Toy toy;
  Tape<double> tape;
  record(toy, tape, 0);
  Toy copy = toy;
  AdamW<double> optimizer;
  CHECK(error_of([&] { optimizer.step(copy, tape); }) ==
        "AdamW::step: the tape recorded 2 parameters, but only 0 of them are in the model: it "
        "moved or was copied since, or a module's visit leaves parameters out");
}

TEST_CASE("AdamW: numbers that make no sense are refused by name") {
  const auto message = [](const AdamWConfig& config) {
    return error_of([&] { AdamW<float> optimizer(config); });
  };
  const double nan = std::nan("");
  CHECK(message({.lr = -1}) == "AdamW: lr = -1 must be finite and not negative");
  CHECK(message({.beta1 = 1}) == "AdamW: beta1 = 1 and beta2 = 0.999 must be in [0, 1)");
  CHECK(message({.beta2 = nan}) == "AdamW: beta1 = 0.9 and beta2 = nan must be in [0, 1)");
  CHECK(message({.eps = nan}) == "AdamW: eps = nan must be finite and not negative");
  CHECK(message({.weight_decay = -0.1}) ==
        "AdamW: weight_decay = -0.1 must be finite and not negative");
}

Var<double, 0> loss_of(const Toy& toy, Tape<double>& tape, std::uint64_t step) {
  return add(weighted_sum(toy.weight.on(&tape), weight_gradient(step)),
             weighted_sum(toy.bias.on(&tape), bias_gradient(step)));
}

TEST_CASE("AdamW: backward and step in one have the bits of the two, and release the gradients") {
  Toy expected;
  Toy found;
  AdamW<double> apart({.lr = 0.1});
  AdamW<double> in_one({.lr = 0.1});
  for (std::uint64_t step = 0; step < 3; ++step) {
    Tape<double> first;
    first.backward(loss_of(expected, first, step));
    CHECK(apart.step(expected, first) == 2);
    Tape<double> second;
    CHECK(in_one.backward_and_step(found, second, loss_of(found, second, step)) == 2);
    CHECK(second.gradient(found.weight.value) == nullptr);
    CHECK(found == expected);
  }
  CHECK(in_one.state.at("weight").first == apart.state.at("weight").first);
  CHECK(in_one.state.at("bias").steps == 3);
}

TEST_CASE("AdamW: backward and step in one refuse what either does, and change nothing") {
  Toy toy;
  const Toy before = toy;
  AdamW<double> optimizer;
  Tape<double> other;
  Tape<double> tape;
  const auto loss = loss_of(toy, tape, 0);
  CHECK(error_of([&] { optimizer.backward_and_step(toy, other, loss); }) ==
        "Tape::backward: the loss was not recorded on this tape");
  Toy copy = toy;
  CHECK(error_of([&] { optimizer.backward_and_step(copy, tape, loss); }) ==
        "AdamW::backward_and_step: the tape recorded 2 parameters, but only 0 of them are in the "
        "model: it "
        "moved or was copied since, or a module's visit leaves parameters out");
  const auto free = tape.variable(Tensor<double, 0>({}, 1.0));
  CHECK(error_of([&] { optimizer.backward_and_step(toy, tape, free); }) ==
        "AdamW::backward_and_step: the tape holds no gradient of this model");
  CHECK(toy == before);
  CHECK(optimizer.state.empty());
}

TEST_CASE("AdamW: a tape is stepped with once") {
  Toy toy;
  AdamW<double> optimizer;
  Tape<double> tape;
  record(toy, tape, 0);
  CHECK(optimizer.step(toy, tape) == 2);
  const Toy before = toy;
  CHECK(error_of([&] { optimizer.step(toy, tape); }) ==
        "AdamW::step: the gradients of this tape were applied already; record a new tape each "
        "step");
  CHECK(toy == before);
  CHECK(optimizer.state.at("weight").steps == 1);
  Tape<double> next;
  record(toy, next, 1);
  CHECK(optimizer.step(toy, next) == 2);
}

TEST_CASE("AdamW: a model of several layers that was never initialized is refused") {
  LinearLayers model;
  const auto loss_on = [&](Tape<double>& tape) {
    const Var<double, 2> x(random_tensor<2>({4, 3}, 1), &tape);
    return weighted_sum(model.second(model.norm(model.first(x))), random_tensor<2>({4, 2}, 2));
  };
  const std::string text =
      "all 2 weights of the model are zero, first.weight the first of them: initialize it, or load "
      "weights, before training";
  AdamW<double> optimizer;
  Tape<double> tape;
  tape.backward(loss_on(tape));
  CHECK(error_of([&] { optimizer.step(model, tape); }) == "AdamW::step: " + text);
  Tape<double> other;
  const auto loss = loss_on(other);
  CHECK(error_of([&] { optimizer.backward_and_step(model, other, loss); }) ==
        "AdamW::backward_and_step: " + text);
  CHECK(optimizer.state.empty());
  model.second.weight.value(1, 2) = 0.5;
  Tape<double> initialized;
  initialized.backward(loss_on(initialized));
  CHECK(optimizer.step(model, initialized) == 6);
}

TEST_CASE("AdamW: whichever call for memory fails in the first step, nothing is changed") {
  Toy toy;
  const Toy before = toy;
  AdamW<double> optimizer;
  Tape<double> tape;
  record(toy, tape, 0);
  const std::size_t failed = fail_each_call([&] { optimizer.step(toy, tape); },
                                            [&] {
                                              CHECK(toy == before);
                                              CHECK(optimizer.state.empty());
                                            });
  CHECK((failed > 10 || heap_use().calls == 0));  // where nothing is watched, nothing fails
  CHECK(optimizer.state.size() == 2);
}

TEST_CASE("AdamW: where backward fails half-way, what is updated has its state, and no other") {
  Toy toy;
  const Toy before = toy;
  AdamW<double> optimizer;
  Tape<double> tape;
  const Var<double, 2> weight = toy.weight.on(&tape);
  const Var<double, 2> failing = tessera::record(
      "failing", Tensor<double, 2>(weight.value()),
      [](const Tensor<double, 2>&) { throw std::bad_alloc(); }, weight);
  const auto loss = add(weighted_sum(failing, weight_gradient(0)),
                        weighted_sum(toy.bias.on(&tape), bias_gradient(0)));
  CHECK_THROWS_AS(optimizer.backward_and_step(toy, tape, loss), std::bad_alloc);
  CHECK(toy.weight.value == before.weight.value);
  CHECK(toy.bias.value != before.bias.value);
  CHECK(optimizer.state.size() == 1);
  CHECK(optimizer.state.at("bias").steps == 1);
}

}  // namespace
}  // namespace tessera::test
