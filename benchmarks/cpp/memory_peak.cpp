// Peak of resident memory of this process for one piece of work; memory_peak.py and cold_start.py
// run it.
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <string>

#include "tessera/io/weights.hpp"
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

/// Images one after the other.
void forward(const MAE<float>& mae, int count, Generator& generator) {
  for (int i = 0; i < count; ++i) {
    const KeepMask mask = masks(1, generator);
    (void)mae.forward(images(1, generator), mask.idx_keep, mask.idx_mask);
  }
}

/// Three steps of batch 8: the optimizer has its moments after the first.
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

/// ViT-S/16 with random weights, one image of side x side pixels; without an image if side is 0.
void encode(Index side, Generator& generator) {
  MaskedVisionTransformerConfig config = vit_config("vit_small_patch16");
  if (side > 0) config.image_size = {side, side};
  MaskedVisionTransformer<float> encoder(config);
  initialize(encoder, InitRecipe::timm, generator);
  pack_weights(encoder);
  if (side > 0) (void)encoder.encode(Tensor<float, 4>({1, 3, side, side}));
}

void run(const std::string& work, const std::string& weights) {
  Generator generator(1);
  if (work.starts_with("encode-")) return encode(std::stoi(work.substr(7)), generator);
  MAE<float> mae(mae_config("mae_vit_base_patch16"));
  io::load_weights(weights, mae, {.mmap = work == "forward-once"});
  if (work == "forward-once") {
    forward(mae, 1, generator);
  } else if (work == "forward") {
    forward(mae, 3, generator);
  } else if (work == "forward-packed") {
    pack_weights(mae);
    forward(mae, 3, generator);
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

MatmulPrecision precision_from(const std::string& name) {
  if (name == "highest") return MatmulPrecision::highest;
  if (name == "high") return MatmulPrecision::high;
  if (name == "medium") return MatmulPrecision::medium;
  throw std::invalid_argument("there is no precision \"" + name + "\"");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) {
    std::cerr << "usage: memory_peak forward[-once|-packed]|train[-recompute][-in-one]|encode-SIDE "
                 "WEIGHTS THREADS highest|high|medium\n";
    return 1;
  }
  try {
    const ExecutionScope scope(
        {.threads = std::atoi(argv[3]), .matmul_precision = precision_from(argv[4])});
    run(argv[1], argv[2]);
    std::cout << peak_bytes() << '\n';
  } catch (const std::exception& error) {
    std::cerr << "memory_peak: " << error.what() << '\n';
    return 1;
  }
}
