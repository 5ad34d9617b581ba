#include "tessera/nn/parameter.hpp"

#include "support/catch.hpp"
#include "support/random_tensor.hpp"
#include "support/throws.hpp"
#include "support/weighted_sum.hpp"
#include "tessera/nn/linear.hpp"
#include "tessera/nn/pack_weights.hpp"

namespace tessera::test {
namespace {

TEST_CASE("parameter: is borrowed, not copied") {
  const Parameter<double, 2> parameter{Tensor<double, 2>({1, 2}, {3, 4})};
  Tape<double> tape;
  CHECK(&parameter.on(nullptr).value() == &parameter.value);
  CHECK(&parameter.on(&tape).value() == &parameter.value);
}

TEST_CASE("parameter: without a tape it wants no gradient") {
  const Parameter<double, 1> parameter{Tensor<double, 1>({2})};
  CHECK(parameter.on(nullptr).tape() == nullptr);
  CHECK_FALSE(parameter.on(nullptr).requires_grad());
}

TEST_CASE("parameter: used twice it is one entry of the tape") {
  const Parameter<double, 1> parameter{Tensor<double, 1>({2})};
  Tape<double> tape;
  const auto first = parameter.on(&tape);
  const auto second = parameter.on(&tape);
  CHECK(first.requires_grad());
  CHECK(first.node() == second.node());
  CHECK(tape.entries() == 1);
  CHECK(tape.parameter_count() == 1);
  CHECK(tape.has_parameter(&parameter.value));
}

TEST_CASE("parameter: frozen it carries the tape on but is not recorded") {
  Parameter<double, 1> parameter{Tensor<double, 1>({2})};
  parameter.trainable = false;
  Tape<double> tape;
  const auto frozen = parameter.on(&tape);
  CHECK(frozen.tape() == &tape);
  CHECK_FALSE(frozen.requires_grad());
  CHECK(tape.entries() == 0);
  CHECK_FALSE(tape.has_parameter(&parameter.value));
}

/// The error of a backward pass through a layer that `happens` changed since forward.
template <class Happens>
std::string error_after(const Happens& happens) {
  Linear<double> layer(3, 2);
  layer.weight.value = random_tensor<2>({2, 3}, 1);
  Tape<double> tape;
  const auto x = tape.variable(random_tensor<2>({4, 3}, 2));
  const auto loss = weighted_sum(layer(x), random_tensor<2>({4, 2}, 3));
  happens(layer);
  return error_of([&] { tape.backward(loss); });
}

TEST_CASE("parameter: a model that moved or changed between forward and backward is refused") {
  // Compilers differ in whether weight or bias is used first.
  const std::string moved =
      "is not where it was in forward: its model was moved, packed, loaded or destroyed in "
      "between; call backward before that";
  const std::string changed =
      " of 2, in the order of their first use, [2, 3], has other values than in forward: its model "
      "was stepped, assigned, initialized or loaded in between; call backward before that, or "
      "record again";
  Linear<double> elsewhere;
  Linear<double> other(3, 2);
  other.weight.value = random_tensor<2>({2, 3}, 4);
  CHECK(error_after([&](auto& layer) { elsewhere = std::move(layer); }).ends_with(moved));
  CHECK(error_after([&](auto& layer) { layer = Linear<double>(3, 2); }).ends_with(moved));
  CHECK(error_after([&](auto& layer) { pack_weights(layer); }).ends_with(moved));
  CHECK(error_after([&](auto& layer) { layer = other; }).ends_with(changed));
  CHECK(error_after([&](auto& layer) { layer.weight.value(0, 0) += 1e-9; }).ends_with(changed));
  CHECK(error_after([](auto&) {}) == "(no exception)");
}

TEST_CASE("parameter: a frozen one that changed between forward and backward is refused too") {
  Linear<double> layer(3, 2);
  set_trainable(layer, false);
  Tape<double> tape;
  const auto x = tape.variable(random_tensor<2>({4, 3}, 2));
  const auto loss = weighted_sum(layer(x), random_tensor<2>({4, 2}, 3));
  layer.weight.value(1, 2) = 0.25;
  CHECK(error_of([&] { tape.backward(loss); }).find("[2, 3], has other values") !=
        std::string::npos);
  layer.weight.value(1, 2) = 0;
  tape.backward(loss);
  CHECK(tape.gradient(x) != nullptr);
}

}  // namespace
}  // namespace tessera::test
