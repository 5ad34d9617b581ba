// The inference of README.md. check_snippets.cmake compares it with the text there.

// [snippet]
#include <tessera/io/image.hpp>
#include <tessera/io/weights.hpp>
#include <tessera/tessera.hpp>
using namespace tessera;

Tensor<float, 2> features_of(const char* photo, const char* weights) {
  MaskedVisionTransformer<float> encoder(vit_tiny_patch16());
  io::load_weights(weights, encoder);  // every tensor, or an error that names the first missing

  const io::Image image = io::resize_shorter_side(io::read_image(photo), 224, io::Filter::bicubic);
  const Tensor<float, 4> images = io::to_batch<float>({{io::centre_crop(image, {224, 224})}});

  const ExecutionScope scope({.threads = 0});  // all processors
  const auto tokens = encoder.encode(images);  // [1, 197, 192]: no tape, nothing is recorded
  return mean_tokens(tokens, 1).value();       // [1, 192]: mean over the patches
}
// [end of snippet]

#include <cstdio>
#include <exception>

int main(int argc, char** argv) try {
  if (argc != 3) return 2;
  MaskedVisionTransformer<float> encoder(vit_tiny_patch16());
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
