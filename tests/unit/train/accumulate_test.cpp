#include "tessera/train/accumulate.hpp"

#include "support/catch.hpp"
#include "support/near.hpp"
#include "support/random_tensor.hpp"
#include "support/throws.hpp"
#include "support/weighted_sum.hpp"
#include "tessera/nn/linear.hpp"
#include "tessera/ops/losses.hpp"
#include "tessera/train/adamw.hpp"
#include "tessera/train/clip.hpp"

namespace tessera::test {
namespace {

Linear<double> small_layer() {
  Linear<double> layer(3, 2);
  layer.weight.value = random_tensor<2>({2, 3}, 1);
  layer.bias->value = random_tensor<1>({2}, 2);
  return layer;
}

/// Mean squared error of rows [begin, begin + count) of twelve.
Var<double, 0> loss_of_rows(const Linear<double>& layer, Index begin, Index count,
                            Tape<double>& tape) {
  const auto rows = [&](std::uint64_t seed, Index cols) {
    const Tensor<double, 2> all = random_tensor<2>({12, cols}, seed);
    return Tensor<double, 2>(
        {count, cols},
        std::span<const double>(all.row(begin), static_cast<std::size_t>(count * cols)));
  };
  return mse_loss(layer(Var<double, 2>(rows(3, 3), &tape)), Var<double, 2>(rows(4, 2)));
}

TEST_CASE("accumulated gradients are those of the undivided batch, and step as they do") {
  for (const Index parts : {1, 2, 3, 12}) {
    Linear<double> whole = small_layer();
    Linear<double> divided = small_layer();
    Tape<double> tape;
    const auto loss = loss_of_rows(whole, 0, 12, tape);
    tape.backward(loss);
    Tape<double> total;
    std::vector<Index> seen;
    const double mean = accumulate_gradients(total, parts, [&](Index part, Tape<double>& of_part) {
      seen.push_back(part);
      return loss_of_rows(divided, part * 12 / parts, 12 / parts, of_part);
    });
    CHECK(std::ssize(seen) == parts);
    CHECK(seen.back() == parts - 1);
    CHECK(mean == near_relative(loss.value().item(), 1e-14));
    CHECK(total.state() == TapeState::walked);
    CHECK(total.parameter_count() == 2);
    CHECK(grad_norm(divided, total) == near_relative(grad_norm(whole, tape), 1e-13));
    const Tensor<double, 2>& expected = *tape.gradient(whole.weight.value);
    const Tensor<double, 2>& found = *total.gradient(divided.weight.value);
    for (Index i = 0; i < expected.size(); ++i) {
      CHECK(found.data()[i] == near_relative(expected.data()[i], 1e-12));
    }
    AdamW<double> one;
    AdamW<double> other;
    CHECK(one.step(whole, tape) == 2);
    CHECK(other.step(divided, total) == 2);
    for (Index i = 0; i < expected.size(); ++i) {
      CHECK(divided.weight.value.data()[i] == near_relative(whole.weight.value.data()[i], 1e-9));
    }
  }
}

TEST_CASE("parts draw from the generator of the tape, one after the other") {
  const Linear<double> layer = small_layer();
  Generator generator(5);
  Generator expected(5);
  Tape<double> total(generator, {.recompute_blocks = true});
  std::vector<double> drawn;
  accumulate_gradients(total, 3, [&](Index, Tape<double>& tape) {
    CHECK(tape.settings().recompute_blocks);
    drawn.push_back(tape.generator()->uniform<double>());
    return loss_of_rows(layer, 0, 4, tape);
  });
  for (const double value : drawn) CHECK(value == expected.uniform<double>());
}

TEST_CASE("accumulation wants an empty tape and at least one part") {
  const Linear<double> layer = small_layer();
  const auto loss_of = [&](Index, Tape<double>& tape) { return loss_of_rows(layer, 0, 4, tape); };
  Tape<double> tape;
  CHECK(error_of([&] { accumulate_gradients(tape, 0, loss_of); }) ==
        "accumulate_gradients: parts = 0 must be positive");
  Tape<double> used;
  (void)loss_of(0, used);
  CHECK(error_of([&] { accumulate_gradients(used, 2, loss_of); }) ==
        "accumulate_gradients: the tape must be a new one; it has 4 entries");
  Tape<double> not_walked;
  CHECK(error_of([&] { tape.take_gradients(not_walked); }) ==
        "Tape::take_gradients: the other tape was not walked yet");
  Tape<double> walked;
  walked.backward(loss_of(0, walked));
  CHECK(error_of([&] {
          used.take_gradients(walked);
        }).starts_with("Tape::take_gradients: this tape recorded "));
  accumulate_gradients(tape, 2, loss_of);
  CHECK(error_of([&] { accumulate_gradients(tape, 2, loss_of); }) ==
        "accumulate_gradients: the tape must be a new one; it has 2 entries");
}

}  // namespace
}  // namespace tessera::test
