#include "tessera/run/optimizer_file.hpp"

#include "support/catch.hpp"
#include "support/io/files.hpp"
#include "tessera/models/initialize.hpp"
#include "tessera/nn/linear.hpp"
#include "tessera/ops/losses.hpp"

namespace tessera::run::test {

using io::test::file_error;
using io::test::ScratchFolder;

namespace {

void train(Linear<float>& layer, AdamW<float>& optimizer, int steps) {
  for (int step = 0; step < steps; ++step) {
    Tape<float> tape;
    const Tensor<float, 2> x({2, 3}, {1, 2, 3, -1, 0, 1});
    const Tensor<float, 2> target({2, 2}, {1, 0, 0, 1});
    tape.backward(mse_loss(layer(Var(x, &tape)), Var<float, 2>(target)));
    optimizer.step(layer, tape);
  }
}

}  // namespace

TEST_CASE("an optimizer that was saved goes on as it would have") {
  const ScratchFolder folder;
  Linear<float> layer(3, 2);
  layer.weight.value(0, 0) = 1;
  AdamW<float> optimizer({.lr = 0.1});
  train(layer, optimizer, 3);
  save_optimizer(folder / "m.safetensors", optimizer);
  Linear<float> copy = layer;
  AdamW<float> restored({.lr = 0.1});
  load_optimizer(folder / "m.safetensors", restored);
  REQUIRE(restored.state.size() == 2);
  train(layer, optimizer, 2);
  train(copy, restored, 2);
  CHECK((layer.weight.value == copy.weight.value));
  CHECK((layer.bias->value == copy.bias->value));
}

TEST_CASE("an optimizer that made no step has nothing to save, and that is saved") {
  const ScratchFolder folder;
  save_optimizer(folder / "m.safetensors", AdamW<float>());
  AdamW<float> restored;
  load_optimizer(folder / "m.safetensors", restored);
  CHECK(restored.state.empty());
}

TEST_CASE("files of other tensors are refused and change nothing") {
  const ScratchFolder folder;
  const Tensor<float, 1> moments({2}, {1, 2});
  const Tensor<std::int64_t, 1> steps({1}, {3});
  io::SafetensorsWriter file;
  file.add("steps.a", steps);
  file.add("first.a", moments);
  file.write(folder / "m");
  AdamW<float> optimizer;
  CHECK(file_error([&] { load_optimizer(folder / "m", optimizer); }).find("second.a") !=
        std::string::npos);
  file.add("second.a", moments);
  file.add("weight", moments);
  file.write(folder / "m");
  CHECK(file_error([&] { load_optimizer(folder / "m", optimizer); }) ==
        (folder / "m").string() + ": holds other tensors than moments");
  CHECK(optimizer.state.empty());
}

}  // namespace tessera::run::test
