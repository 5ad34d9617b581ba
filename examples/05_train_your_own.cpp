// Training on your own data, on one page.

#include <cstdio>
#include <exception>
#include <string>

#include "tessera/io/weights/save.hpp"
#include "tessera/tessera.hpp"

using namespace tessera;

/// Your data goes here. This one draws a square on each image [32, 3, 32, 32].
Tensor<float, 4> next_batch(Generator& generator) {
  Tensor<float, 4> images({32, 3, 32, 32});
  for (Index b = 0; b < 32; ++b) {
    const Index top = generator.randint(0, 20), left = generator.randint(0, 20);
    for (Index c = 0; c < 3; ++c) {
      const float colour = generator.uniform(-2.0F, 2.0F);
      for (Index y = top; y < top + 12; ++y) {
        for (Index x = left; x < left + 12; ++x) images(b, c, y, x) = colour;
      }
    }
  }
  return images;
}

int main(int argc, char** argv) try {
  const std::string file = argc > 1 ? argv[1] : "my_mae.safetensors";
  if (file == "--help" || file == "-h") {
    std::puts("Usage: 05_train_your_own [FILE]\nTrains a small MAE and saves its weights.");
    return 0;
  }
  const ExecutionScope scope({.threads = 0});
  Generator generator(0);
  const MaskedVisionTransformerConfig encoder{
      .image_size = {32, 32}, .patch_size = 4, .embed_dim = 64, .depth = 2, .num_heads = 2};
  MAE<float> mae(
      {.encoder = encoder, .decoder_embed_dim = 64, .decoder_depth = 1, .decoder_num_heads = 2});
  initialize(mae, InitRecipe::mae, generator);
  AdamW<float> optimizer({.lr = 2e-3, .beta2 = 0.95, .weight_decay = 0.05});
  for (int step = 1; step <= 200; ++step) {
    const Tensor<float, 4> images = next_batch(generator);
    const auto [idx_keep, idx_mask] = random_token_mask(
        {32, mae.encoder.sequence_length()},
        {.mask_ratio = 0.75, .num_prefix_tokens = mae.encoder.num_prefix_tokens()}, generator);
    Tape<float> tape(generator);
    const auto loss = mae.loss(Var(images, &tape), idx_keep, idx_mask);
    tape.backward(loss);
    clip_grad_norm(mae, tape, 1.0);
    optimizer.step(mae, tape);
    if (step % 20 == 0) std::printf("step %3d  loss %.4f\n", step, double(loss.value().item()));
  }
  io::save_weights(file, mae);
  std::printf("weights are in %s\n", file.c_str());
} catch (const std::exception& error) {
  std::fprintf(stderr, "error: %s\n", error.what());
  return 1;
}
