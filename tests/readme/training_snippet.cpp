// The training loop of README.md. check_snippets.cmake compares it with the text there.

// [snippet]
#include <tessera/tessera.hpp>
using namespace tessera;

Tensor<float, 4> next_batch(Generator& generator);  // your data: [32, 3, 32, 32]

void train(MAE<float>& mae, int steps, Generator& generator) {
  const ExecutionScope scope({.threads = 0});  // all processors
  initialize(mae, InitRecipe::mae, generator);
  AdamW<float> optimizer({.lr = 1e-3, .beta2 = 0.95, .weight_decay = 0.05});
  for (int step = 0; step < steps; ++step) {
    const Tensor<float, 4> images = next_batch(generator);
    const auto [idx_keep, idx_mask] = random_token_mask(
        {32, mae.encoder.sequence_length()},
        {.mask_ratio = 0.75, .num_prefix_tokens = mae.encoder.num_prefix_tokens()}, generator);
    Tape<float> tape(generator);  // records what is computed from images
    const auto loss = mae.loss(Var(images, &tape), idx_keep, idx_mask);
    tape.backward(loss);
    clip_grad_norm(mae, tape, 1.0);
    optimizer.step(mae, tape);
  }
}
// [end of snippet]

#include <cstdio>

// Stripes of two colours: what is hidden follows from what is seen.
Tensor<float, 4> next_batch(Generator& generator) {
  Tensor<float, 4> images({32, 3, 32, 32});
  for (Index b = 0; b < 32; ++b) {
    const Index width = 4 * generator.randint(1, 4);
    for (Index i = 0; i < 3 * 32 * 32; ++i) {
      images.data()[b * 3 * 32 * 32 + i] = (i % 32) / width % 2 == 0 ? 1.0F : -1.0F;
    }
  }
  return images;
}

int main() {
  MAE<float> mae({.encoder = {.image_size = {32, 32},
                              .patch_size = 8,
                              .embed_dim = 32,
                              .depth = 1,
                              .num_heads = 2,
                              .reg_tokens = 2},
                  .decoder_embed_dim = 32,
                  .decoder_depth = 1,
                  .decoder_num_heads = 2});
  Generator generator(0);
  const Tensor<float, 4> images = next_batch(generator);
  const KeepMask tokens = random_token_mask(
      {32, mae.encoder.sequence_length()},
      {.mask_ratio = 0.75, .num_prefix_tokens = mae.encoder.num_prefix_tokens()}, generator);
  const auto loss = [&] {
    return static_cast<double>(mae.loss(images, tokens.idx_keep, tokens.idx_mask).value().item());
  };
  train(mae, 1, generator);
  const double before = loss();
  train(mae, 60, generator);
  const double after = loss();
  std::printf("loss %.3f -> %.3f\n", before, after);
  return after < 0.7 * before ? 0 : 1;
}
