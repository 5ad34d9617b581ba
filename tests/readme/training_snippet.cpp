// The training of README.md. check_snippets.cmake compares it with the text there, and
// check_output.sh what it prints.

// [snippet]
#include <cstdio>
#include <tessera/tessera.hpp>
using namespace tessera;

constexpr Index batch_size = 32, side = 32;

// Pictures [batch_size, 3, side, side] with a square of one color in each.
Tensor<float, 4> next_batch(Generator& generator) {
  Tensor<float, 4> images({batch_size, 3, side, side});
  for (Index b = 0; b < batch_size; ++b) {
    const Index top = generator.randint(0, 20), left = generator.randint(0, 20);
    for (Index c = 0; c < 3; ++c) {
      const float color = generator.uniform(-2.0F, 2.0F);
      for (Index y = top; y < top + 12; ++y) {
        for (Index x = left; x < left + 12; ++x) images(b, c, y, x) = color;
      }
    }
  }
  return images;
}

int main() {
  const ExecutionScope scope({.threads = 0});  // all processors
  Generator generator(0);
  MAE<float> mae({.encoder = {.image_size = {side, side},
                              .patch_size = 4,
                              .embed_dim = 64,
                              .depth = 2,
                              .num_heads = 2},
                  .decoder_embed_dim = 64,
                  .decoder_depth = 1,
                  .decoder_num_heads = 2});
  initialize(mae, InitRecipe::mae, generator);
  AdamW<float> optimizer({.lr = 2e-3, .beta2 = 0.95, .weight_decay = 0.05});
  for (int step = 0; step <= 200; ++step) {
    const Tensor<float, 4> images = next_batch(generator);
    const auto [idx_keep, idx_mask] = random_token_mask(
        {batch_size, mae.encoder.sequence_length()},
        {.mask_ratio = 0.75, .num_prefix_tokens = mae.encoder.num_prefix_tokens()}, generator);
    Tape<float> tape(generator);  // records what is computed from images
    const auto loss = mae.loss(Var(images, &tape), idx_keep, idx_mask);
    tape.backward(loss);
    clip_grad_norm(mae, tape, 1.0);
    optimizer.step(mae, tape);
    if (step % 50 == 0) std::printf("step %3d  loss %.2f\n", step, double(loss.value().item()));
  }
}
// [end of snippet]
