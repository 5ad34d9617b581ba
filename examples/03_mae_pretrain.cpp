// Trains a small masked autoencoder from nothing, for a minute, on three photos: it sees a quarter
// of each crop and learns to rebuild the rest. It learns from the left 60 % of the photos; numbers
// and picture are about the right 40 %, which it never saw. Expected output, about:
//
//   masked pixels of 96 crops of the right 40 %, which it never saw:
//     prediction                  20.3 dB PSNR
//     mean of the visible pixels  14.9 dB PSNR
//     difference                  5.4 dB (a full run must reach 3)

#include <limits>

#include "support/photos.hpp"
#include "support/picture.hpp"
#include "support/print.hpp"
#include "support/program.hpp"
#include "support/progress.hpp"
#include "tessera/io/image/png.hpp"
#include "tessera/io/image/resize.hpp"
#include "tessera/io/image/to_tensor.hpp"
#include "tessera/tessera.hpp"

using namespace tessera;
using example::fixed;
using example::print;

namespace {

constexpr Index side = 64;  // pixels of a crop
constexpr Index patch = 4;
constexpr Index full_run = 1500;   // steps, about a minute on two cores
constexpr double target_gain = 3;  // dB
constexpr Index held_out_crops = 96;
constexpr Index gap = 8;  // pixels between the pictures of the triptych
constexpr data::CropRange crop_range{.area_low = 0.05, .area_high = 0.2};

constexpr double pixel_std = 0.25;
constexpr io::Normalization normalization{{0.5, 0.5, 0.5}, {pixel_std, pixel_std, pixel_std}};

Tensor<float, 4> to_batch(const std::vector<io::Image>& crops) {
  return io::to_batch<float>(crops, normalization);
}

/// A random quarter of the patches is kept.
KeepMask random_mask(Index batch, Generator& generator) {
  return random_token_mask({batch, (side / patch) * (side / patch)},
                           {.mask_ratio = 0.75, .num_prefix_tokens = 0}, generator);
}

MAE<float> small_mae(Generator& generator) {
  MAE<float> mae({.encoder = {.image_size = side,
                              .patch_size = patch,
                              .embed_dim = 96,
                              .depth = 2,
                              .num_heads = 3,
                              .mlp_ratio = 2,
                              .class_token = false},
                  .decoder_embed_dim = 96,
                  .decoder_depth = 2,
                  .decoder_num_heads = 3,
                  .decoder_mlp_ratio = 2});
  initialize(mae, InitRecipe::mae, generator);
  return mae;
}

/// Returns whether all steps were made before time was up.
bool train(MAE<float>& mae, const std::vector<io::Image>& photos, Index steps, double seconds,
           Generator& generator) {
  constexpr Index batch = 6;
  const WarmupCosine learning_rate{.peak = 2.5e-3, .final = 1e-5, .warmup = 0.05};
  AdamW<float> optimizer({.beta1 = 0.9, .beta2 = 0.95, .weight_decay = 0.05});
  example::Progress progress(steps, seconds);
  while (progress.running()) {
    const auto images = to_batch(example::random_crops(photos, batch, side, crop_range, generator));
    const KeepMask tokens = random_mask(batch, generator);

    Tape<float> tape(generator);
    const auto loss = mae.loss(Var(images, &tape), tokens.idx_keep, tokens.idx_mask);
    tape.backward(loss);
    clip_grad_norm(mae, tape, 1.0);
    optimizer.config.lr = learning_rate(progress.fraction());
    optimizer.step(mae, tape);
    progress.step(static_cast<double>(loss.value().item()), batch);
  }
  return progress.steps() == steps;
}

/// The guess that knows no structure: every masked pixel is the mean of its image's visible ones.
Tensor<float, 3> mean_of_visible(const Tensor<float, 4>& images, const KeepMask& tokens) {
  const Tensor<float, 3> visible = patchify_at_index(Var(images), patch, tokens.idx_keep).value();
  Tensor<float, 3> guess({visible.dim(0), tokens.idx_mask.dim(1), visible.dim(2)});
  const Index pixels = patch * patch;
  for (Index b = 0; b < visible.dim(0); ++b) {
    const Index kept = visible.dim(1);
    const Index masked = guess.dim(1);
    const ConstMatrixMap<float> seen(visible.row(b * kept), kept * pixels, 3);
    MatrixMap<float>(guess.row(b * masked), masked * pixels, 3).rowwise() = seen.colwise().mean();
  }
  return guess;
}

/// Mean squared error of normalized pixels -> peak signal-to-noise ratio in dB.
double psnr(const Var<float, 0>& error) {
  return -10 * std::log10(static_cast<double>(error.value().item()) * pixel_std * pixel_std);
}

/// Four tiles, two by two.
io::Image mosaic(std::span<const io::Image> tiles) {
  const std::array<io::Image, 2> rows{io::side_by_side(tiles.first(2), 0),
                                      io::side_by_side(tiles.last(2), 0)};
  return example::stacked(rows, 0);
}

/// One held-out square per photo, as four tiles: original | masked | prediction.
io::Image triptych(const MAE<float>& mae, const std::vector<io::Image>& photos,
                   Generator& generator) {
  constexpr Index scale = 3;
  constexpr Index most_cut_above = 48;  // pixels of a photo above its square
  std::vector<io::Image> tiles;
  for (const io::Image& photo : photos) {
    const Index length = std::min(photo.dim(0), photo.dim(1));
    const Index top = std::min(most_cut_above, (photo.dim(0) - length) / 2);
    const io::Image square =
        io::resize(io::crop(photo, {top, 0, length, length}), 2 * side, io::Filter::bicubic);
    for (const Index row : {Index{0}, side}) {
      for (const Index column : {Index{0}, side}) {
        tiles.push_back(io::crop(square, {row, column, side, side}));
      }
    }
  }
  const Tensor<float, 4> images = to_batch(tiles);
  const KeepMask tokens = random_mask(images.dim(0), generator);
  const auto rebuilt = mae.reconstruct(images, tokens.idx_keep, tokens.idx_mask);

  std::vector<io::Image> originals, masked, predicted, rows;
  for (Index b = 0; b < images.dim(0); ++b) {
    const io::Image original = example::enlarged(io::to_image(images, b, normalization), scale);
    originals.push_back(original);
    masked.push_back(example::with_masked(original, tokens.idx_mask, b, patch * scale, 0));
    predicted.push_back(
        example::enlarged(io::to_image(rebuilt.prediction, b, normalization), scale));
  }
  for (std::size_t i = 0; i < tiles.size(); i += 4) {
    const auto panel = [i](const std::vector<io::Image>& of) {
      return mosaic(std::span(of).subspan(i, 4));
    };
    rows.push_back(io::side_by_side({panel(originals), panel(masked), panel(predicted)}, gap));
  }
  return example::stacked(rows, gap);
}

}  // namespace

int main(int argc, char** argv) {
  example::Program program("Trains a small MAE from nothing on three photos", "mae_triptych.png");
  std::string photo_folder = TESSERA_PHOTO_DIR;
  Index steps = full_run;
  double seconds = std::numeric_limits<double>::infinity();
  double least_gain = -std::numeric_limits<double>::infinity();
  program.app.add_option("--photos", photo_folder, "folder of PNG and JPEG files")
      ->capture_default_str();
  program.app.add_option("--steps", steps, "of training")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  program.app.add_option("--seconds", seconds, "after which training ends anyway")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  program.app.add_option("--least-gain", least_gain,
                         "dB over the mean of the visible pixels; less is a failure (exit code 1). "
                         "A full run must reach 3 in any case");

  return program.run(argc, argv, [&] {
    Generator generator(program.seed);
    Generator judge(1);  // of its own, so that every run is judged by the same crops and masks
    const example::Photos photos = example::load_photos(photo_folder);
    MAE<float> mae = small_mae(generator);
    print("MAE of ", parameter_count(mae), " parameters learns from the left 60 % of ",
          photos.training.size(), " photos on ", current_threads(), " thread(s)");
    const bool full = train(mae, photos.training, steps, seconds, generator);

    const auto images =
        to_batch(example::random_crops(photos.held_out, held_out_crops, side, crop_range, judge));
    const KeepMask tokens = random_mask(images.dim(0), judge);
    const double learned = psnr(mae.loss(images, tokens.idx_keep, tokens.idx_mask));
    const double guessed =
        psnr(mse_loss(Var(mean_of_visible(images, tokens)), mae.target(images, tokens.idx_mask)));
    const double gain = learned - guessed;
    print("masked pixels of ", images.dim(0), " crops of the right 40 %, which it never saw:");
    print("  prediction                  ", fixed(learned, 2), " dB PSNR");
    print("  mean of the visible pixels  ", fixed(guessed, 2), " dB PSNR");
    print("  difference                  ", fixed(gain, 2), " dB (a full run must reach ",
          fixed(target_gain, 0), ")");

    io::write_png(program.output(), triptych(mae, photos.held_out, judge));
    print("picture: ", program.output().string(), ": original | masked | prediction");
    if (full && steps >= full_run) least_gain = std::max(least_gain, target_gain);
    return gain >= least_gain ? 0 : 1;  // 1 for NaN too
  });
}
