// Training on your own data, on one page.
// Usage: 05_train_your_own [FILE]   where the weights go; my_mae.safetensors unless given

#include <cmath>
#include <cstdio>
#include <exception>
#include <string_view>

#include "tessera/io/weights.hpp"
#include "tessera/tessera.hpp"

using namespace tessera;

/// Your data goes here. This one draws a disc per image [32, 3, 32, 32].
Tensor<float, 4> make_batch(Generator& generator) {
  Tensor<float, 4> images({32, 3, 32, 32});
  for (Index b = 0; b < 32; ++b) {
    const double row = generator.uniform(8.0, 24.0);
    const double column = generator.uniform(8.0, 24.0);
    for (Index c = 0; c < 3; ++c) {
      const float inside = generator.uniform(-2.0F, 2.0F);
      for (Index i = 0; i < 32 * 32; ++i) {
        const auto y = static_cast<double>(i / 32), x = static_cast<double>(i % 32);
        if (std::hypot(y - row, x - column) < 8) images(b, c, i / 32, i % 32) = inside;
      }
    }
  }
  return images;
}

int main(int argc, char** argv) try {
  const char* file = argc > 1 ? argv[1] : "my_mae.safetensors";
  if (std::string_view(file) == "--help") {
    return std::printf("Usage: 05_train_your_own [FILE]\nTrains a MAE and saves it.\n") < 0;
  }
  const ExecutionScope scope({.threads = 0});
  Generator generator(0);
  MAE<float> mae({.encoder = {.image_size = {32, 32}, .patch_size = 4, .embed_dim = 64, .depth = 2,
                              .num_heads = 2},
                  .decoder_embed_dim = 64, .decoder_depth = 1, .decoder_num_heads = 2});
  initialize(mae, InitRecipe::mae, generator);
  AdamW<float> optimizer({.lr = 2e-3, .beta2 = 0.95, .weight_decay = 0.05});
  for (int step = 1; step <= 200; ++step) {
    const Tensor<float, 4> images = make_batch(generator);
    const KeepMask tokens = random_token_mask({32, mae.encoder.sequence_length()},
                                              {.mask_ratio = 0.75}, generator);
    Tape<float> tape(generator);
    const auto loss = mae.loss(Var(images, &tape), tokens.idx_keep, tokens.idx_mask);
    tape.backward(loss);
    clip_grad_norm(mae, tape, 1.0);
    optimizer.step(mae, tape);
    if (step % 20 == 0) std::printf("step %3d  loss %.4f\n", step, double(loss.value().item()));
  }
  io::save_weights(file, mae);
  std::printf("weights are in %s\n", file);
} catch (const std::exception& error) {
  std::fprintf(stderr, "error: %s\n", error.what());
  return 1;
}
