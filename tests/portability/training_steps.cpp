// Losses of four training steps of a small MAE, for scripts/check_aarch64.sh to compare between
// processors: one with kernels of the library's own, one where Eigen computes everything.

#include <cstdio>

#include "tessera/tessera.hpp"

using namespace tessera;

int main() {
  const ExecutionScope scope({.threads = 2});
  Generator generator(0);
  const MaskedVisionTransformerConfig encoder{
      .image_size = {32, 32}, .patch_size = 4, .embed_dim = 64, .depth = 2, .num_heads = 2};
  MAE<float> mae(
      {.encoder = encoder, .decoder_embed_dim = 64, .decoder_depth = 1, .decoder_num_heads = 2});
  initialize(mae, InitRecipe::mae, generator);
  AdamW<float> optimizer({.lr = 1e-3});
  Tensor<float, 4> images({2, 3, 32, 32});
  for (Index i = 0; i < images.size(); ++i) images.data()[i] = generator.uniform(-1.0F, 1.0F);
  const auto [idx_keep, idx_mask] = random_token_mask(
      {2, mae.encoder.sequence_length()}, {.mask_ratio = 0.75, .num_prefix_tokens = 1}, generator);
  for (int step = 0; step < 4; ++step) {
    Tape<float> tape;
    const auto loss = mae.loss(Var(images, &tape), idx_keep, idx_mask);
    tape.backward(loss);
    optimizer.step(mae, tape);
    std::printf("%.7f\n", static_cast<double>(loss.value().item()));
  }
}
