// A photo through a masked autoencoder of the published size, ViT-B/16: the encoder sees a quarter
// of the patches, the decoder predicts the others. The weights are random, so it predicts noise;
// 03_mae_pretrain trains. Expected output:
//
//   images      [1, 3, 224, 224]
//   latent      [1, 50, 768]  class token and kept patches
//   predicted   [1, 147, 768]  masked patches, each 16 x 16 pixels, 3 channels
//   parameters  111.9 million
//   loss        1.22938
//   forward     ... ms on 2 thread(s)
//   picture     mae_forward.png: original | masked | prediction

#include "support/picture.hpp"
#include "support/print.hpp"
#include "support/program.hpp"
#include "support/timing.hpp"
#include "tessera/io/image.hpp"
#include "tessera/tessera.hpp"

using namespace tessera;
using example::fixed;
using example::print;

namespace {

constexpr Index side = 224;  // pixels, of the published model

}  // namespace

int main(int argc, char** argv) {
  example::Program program("A photo through MAE ViT-B/16 with random weights", "mae_forward.png");
  std::string photo = TESSERA_PHOTO_DIR "/chelsea.jpg";
  double mask_ratio = 0.75;
  program.app.add_option("photo", photo, "PNG or JPEG")->capture_default_str();
  program.app.add_option("--mask-ratio", mask_ratio, "of the patches")->capture_default_str();

  return program.run(argc, argv, [&] {
    const io::Image image = io::center_crop(
        io::resize_shorter_side(io::read_image(photo), side, io::Filter::bicubic), side);
    const Tensor<float, 4> images = io::to_batch<float>({{image}});

    Generator generator(program.seed);
    MAE<float> mae(mae_config("mae_vit_base_patch16"));
    initialize(mae, InitRecipe::mae, generator);
    const Index patch = mae.encoder.config.patch_size;
    const Index prefix = mae.encoder.num_prefix_tokens();
    const KeepMask tokens =
        random_token_mask({1, mae.encoder.sequence_length()},
                          {.mask_ratio = mask_ratio, .num_prefix_tokens = prefix}, generator);

    const auto latent = mae.encoder.encode(images, {.idx_keep = tokens.idx_keep});
    const auto predicted = mae.forward(images, tokens.idx_keep, tokens.idx_mask);
    const auto loss = mae.loss(images, tokens.idx_keep, tokens.idx_mask);
    const double milliseconds = example::median_milliseconds(
        [&] { return mae.forward(images, tokens.idx_keep, tokens.idx_mask); });

    print("images      ", images.shape());
    print("latent      ", latent.shape(), "  class token and kept patches");
    print("predicted   ", predicted.shape(), "  masked patches, each ", patch, " x ", patch,
          " pixels, 3 channels");
    print("parameters  ", fixed(static_cast<double>(parameter_count(mae)) / 1e6, 1), " million");
    print("loss        ", loss.value().item());
    print("forward     ", fixed(milliseconds, 1), " ms on ", current_threads(), " thread(s)");

    const auto rebuilt = mae.reconstruct(images, tokens.idx_keep, tokens.idx_mask);
    io::write_png(
        program.output(),
        io::side_by_side({image, example::with_masked(image, tokens.idx_mask, 0, patch, prefix),
                          io::to_image(rebuilt.prediction, 0)}));
    print("picture     ", program.output().string(), ": original | masked | prediction");
    print("The weights are random, so the prediction is noise; 03_mae_pretrain trains some.");
    return 0;
  });
}
