// Peak of resident memory of this process for one piece of work; memory_peak.py runs it.
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string>

#include "tessera/io/load_weights.hpp"
#include "tessera/tessera.hpp"

using namespace tessera;

namespace {

/// Bytes, from Linux.
std::size_t peak_bytes() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with("VmHWM:")) return std::stoul(line.substr(6)) * 1024;
  }
  throw std::runtime_error("/proc/self/status does not say VmHWM");
}

KeepMask masks(Index batch, Generator& generator) {
  return random_token_mask({batch, 197}, {.mask_ratio = 0.75}, generator);
}

Tensor<float, 4> images(Index batch, Generator& generator) {
  Tensor<float, 4> made({batch, 3, 224, 224});
  for (float& value : made) value = static_cast<float>(generator.normal());
  return made;
}

/// Three images, one after the other.
void forward(const MAE<float>& mae, Generator& generator) {
  for (int i = 0; i < 3; ++i) {
    const KeepMask mask = masks(1, generator);
    (void)mae.forward(images(1, generator), mask.idx_keep, mask.idx_mask);
  }
}

/// Three steps of batch 8: the optimiser has its moments after the first.
void train(MAE<float>& mae, const TapeSettings& settings, bool in_one, Generator& generator) {
  AdamW<float> optimizer({.lr = 1e-4, .beta2 = 0.95, .weight_decay = 0.05});
  for (int i = 0; i < 3; ++i) {
    const KeepMask mask = masks(8, generator);
    Tape<float> tape(generator, settings);
    const auto loss = mae.loss(Var(images(8, generator), &tape), mask.idx_keep, mask.idx_mask);
    if (in_one) {
      optimizer.backward_and_step(mae, tape, loss);
    } else {
      tape.backward(loss);
      optimizer.step(mae, tape);
    }
  }
}

void run(const std::string& work, const std::string& weights) {
  Generator generator(1);
  MAE<float> mae(mae_vit_base_patch16());
  io::load_weights(weights, mae);
  if (work == "forward") {
    forward(mae, generator);
  } else if (work == "forward-packed") {
    pack_weights(mae);
    forward(mae, generator);
  } else if (work == "train") {
    train(mae, {}, false, generator);
  } else if (work == "train-recompute") {
    train(mae, {.recompute_blocks = true}, false, generator);
  } else if (work == "train-in-one") {
    train(mae, {}, true, generator);
  } else if (work == "train-recompute-in-one") {
    train(mae, {.recompute_blocks = true}, true, generator);
  } else {
    throw std::invalid_argument("there is no work \"" + work + "\"");
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::cerr << "usage: memory_peak forward|forward-packed|train[-recompute][-in-one] WEIGHTS "
                 "THREADS highest|medium\n";
    return 1;
  }
  try {
    const std::string precision = argv[4];
    const ExecutionScope scope({.threads = std::atoi(argv[3]),
                                .matmul_precision = precision == "medium"
                                                        ? MatmulPrecision::medium
                                                        : MatmulPrecision::highest});
    run(argv[1], argv[2]);
    std::cout << peak_bytes() << '\n';
  } catch (const std::exception& error) {
    std::cerr << "memory_peak: " << error.what() << '\n';
    return 1;
  }
}
