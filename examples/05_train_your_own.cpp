// Training on your own data, on one page: a small masked autoencoder learns to rebuild squares of
// one color. Data that lies in files: 06_pretrain_folder.cpp.
//
// Expected output, after some seconds; another processor may differ in the last digits:
//
//   step  40  training loss 0.177  validation loss 0.169
//   ...
//   step 200  training loss 0.103  validation loss 0.113
//   weights are in my_mae.safetensors

#include <cstdio>
#include <exception>
#include <string>

#include "tessera/io/weights/save.hpp"
#include "tessera/tessera.hpp"

using namespace tessera;

constexpr Index batch_size = 32;
constexpr Index channels = 3;
constexpr Index image_side = 32;   // pixels
constexpr Index square_side = 12;  // pixels
constexpr int steps = 200;
constexpr int steps_per_report = 40;

/// Your data goes here. This one draws a square on each image [batch_size, channels, side, side].
Tensor<float, 4> next_batch(Generator& generator) {
  Tensor<float, 4> images({batch_size, channels, image_side, image_side});
  for (Index b = 0; b < batch_size; ++b) {
    const Index top = generator.randint(0, image_side - square_side + 1);
    const Index left = generator.randint(0, image_side - square_side + 1);
    for (Index c = 0; c < channels; ++c) {
      const float color = generator.uniform(-2.0F, 2.0F);
      for (Index y = top; y < top + square_side; ++y) {
        for (Index x = left; x < left + square_side; ++x) images(b, c, y, x) = color;
      }
    }
  }
  return images;
}

KeepMask next_mask(const MAE<float>& mae, Generator& generator) {
  return random_token_mask(
      {batch_size, mae.encoder.sequence_length()},
      {.mask_ratio = 0.75, .num_prefix_tokens = mae.encoder.num_prefix_tokens()}, generator);
}

int main(int argc, char** argv) try {
  const std::string file = argc > 1 ? argv[1] : "my_mae.safetensors";
  if (file == "--help" || file == "-h") {
    std::puts("Usage: 05_train_your_own [FILE]\nTrains a small MAE and saves its weights.");
    return 0;
  }
  const ExecutionScope scope({.threads = 0});  // all processors
  Generator generator(0);
  const MaskedVisionTransformerConfig encoder{
      .image_size = image_side, .patch_size = 4, .embed_dim = 64, .depth = 2, .num_heads = 2};
  MAE<float> mae(
      {.encoder = encoder, .decoder_embed_dim = 64, .decoder_depth = 1, .decoder_num_heads = 2});
  initialize(mae, InitRecipe::mae, generator);

  Generator held_out(1);  // images and masks that training never sees
  const Tensor<float, 4> validation_images = next_batch(held_out);
  const KeepMask validation_mask = next_mask(mae, held_out);

  AdamW<float> optimizer({.lr = 2e-3, .beta2 = 0.95, .weight_decay = 0.05});
  for (int step = 1; step <= steps; ++step) {
    const Tensor<float, 4> images = next_batch(generator);
    const auto [idx_keep, idx_mask] = next_mask(mae, generator);
    Tape<float> tape(generator);
    const auto loss = mae.loss(Var(images, &tape), idx_keep, idx_mask);
    tape.backward(loss);
    clip_grad_norm(mae, tape, 1.0);
    optimizer.step(mae, tape);
    if (step % steps_per_report != 0) continue;
    const auto validation =  // without a tape: nothing is recorded
        mae.loss(validation_images, validation_mask.idx_keep, validation_mask.idx_mask);
    std::printf("step %3d  training loss %.3f  validation loss %.3f\n", step,
                double(loss.value().item()), double(validation.value().item()));
  }
  io::save_weights(file, mae);
  std::printf("weights are in %s\n", file.c_str());
} catch (const std::exception& error) {
  std::fprintf(stderr, "error: %s\n", error.what());
  return 1;
}
