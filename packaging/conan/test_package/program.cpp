#include <cstdio>
#include <tessera/tessera.hpp>

// A small encoder with random weights says something finite about an empty picture.
int main() {
  using namespace tessera;
  MaskedVisionTransformer<float> encoder(
      {.image_size = {16, 16}, .patch_size = 8, .embed_dim = 32, .depth = 1, .num_heads = 2});
  Generator generator(0);
  initialize(encoder, InitRecipe::mae, generator);
  const Tensor<float, 2> features = encoder.forward(Tensor<float, 4>({1, 3, 16, 16})).value();
  std::printf("features %s\n", to_string(features.shape()).c_str());
  return features.array().isFinite().all() ? 0 : 1;
}
