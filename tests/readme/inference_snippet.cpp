// The inference of README.md. check_snippets.cmake compares it with the text there.

// [snippet]
#include <tessera/io/image.hpp>
#include <tessera/io/preprocessing.hpp>
#include <tessera/io/weights.hpp>
#include <tessera/tessera.hpp>
using namespace tessera;

Tensor<float, 2> features_of(const char* photo, const char* weights) {
  const io::Checkpoint file = io::open_checkpoint(weights);  // as published, .safetensors or .pth
  const auto encoder = io::load_encoder<float>(file);        // whole, or an error that says why not

  const auto how = io::preprocessing_for(file, encoder.config.image_size);
  const Tensor<float, 3> image = io::preprocess<float>(io::read_image(photo), how);

  const ExecutionScope scope({.threads = 0});  // all processors
  const auto tokens = encoder.encode(image.reshaped(Shape<4>{1, 3, image.dim(1), image.dim(2)}));
  return mean_tokens(tokens, encoder.num_prefix_tokens()).value();  // [1, D]: mean of the patches
}
// [end of snippet]

#include <cstdio>
#include <exception>

int main(int argc, char** argv) try {
  if (argc != 3) return 2;
  MaskedVisionTransformer<float> encoder(vit_config("vit_tiny_patch16"));
  Generator generator(0);
  initialize(encoder, InitRecipe::timm, generator);
  io::save_weights(argv[2], encoder);
  const Tensor<float, 2> features = features_of(argv[1], argv[2]);
  std::printf("features %s\n", to_string(features.shape()).c_str());
  const bool spread = features.array().isFinite().all() && features.array().abs().maxCoeff() > 0.1F;
  return features.shape() == Shape<2>{1, 192} && spread ? 0 : 1;
} catch (const std::exception& error) {
  std::fprintf(stderr, "error: %s\n", error.what());
  return 1;
}
