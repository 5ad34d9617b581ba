// Trains a small I-JEPA from nothing, for a minute, on three photos: from one block of patches it
// learns to predict the features of four others, as a slowly following copy of itself sees them.
// Nothing in that loss forbids the same answer for every image, so what counts is printed beside it:
// how far features of crops that it never saw spread, and over how many directions.

#include <limits>

#include "support/photos.hpp"
#include "support/print.hpp"
#include "support/program.hpp"
#include "support/progress.hpp"
#include "tessera/tessera.hpp"

using namespace tessera;
using example::fixed;
using example::print;

namespace {

constexpr Index side = 96;  // pixels of a crop
constexpr Index patch = 8;
constexpr Index full_run = 800;  // steps
constexpr io::CropRange crop_range{.area_low = 0.1, .area_high = 0.5};

IJEPA<float> small_ijepa(Generator& generator) {
  IJEPA<float> ijepa({.encoder = {.image_size = {side, side},
                                  .patch_size = patch,
                                  .embed_dim = 96,
                                  .depth = 3,
                                  .num_heads = 3,
                                  .class_token = false},
                      .predictor_embed_dim = 48,
                      .predictor_depth = 2,
                      .predictor_num_heads = 3});
  initialize(ijepa, InitRecipe::ijepa, generator);
  return ijepa;
}

Tensor<float, 4> random_batch(const std::vector<io::Image>& photos, Index count,
                              Generator& generator) {
  return io::to_batch<float>(example::random_crops(photos, count, side, crop_range, generator));
}

struct Spread {
  double std;
  double rank;
};

/// Of the features of whole images: the mean over their patches.
Spread feature_spread(const IJEPA<float>& ijepa, const Tensor<float, 4>& images) {
  const Tensor<float, 2> features = mean_tokens(ijepa.target_encoder.encode(images), 0).value();
  return {feature_std(features), effective_rank(features)};
}

void train(IJEPA<float>& ijepa, const std::vector<io::Image>& photos, Index steps, double seconds,
           Generator& generator) {
  constexpr Index batch = 16;
  const MultiBlockMaskSampler sampler({.image_size = {side, side}, .patch_size = patch});
  const WarmupCosine learning_rate{.start = 2e-4, .peak = 1e-3, .final = 1e-6, .warmup = 0.1};
  const WarmupCosine weight_decay{.peak = 0.04, .final = 0.4};
  const LinearSchedule momentum{.start = 0.99, .final = 1};
  AdamW<float> optimizer;
  example::Progress progress(steps, seconds);
  for (std::uint64_t step = 0; progress.running(); ++step) {
    const auto images = random_batch(photos, batch, generator);
    const MultiBlockMasks masks = sampler.sample(batch, step, generator);

    Tape<float> tape(generator);
    const auto loss = ijepa.loss(Var(images, &tape), masks.masks_enc, masks.masks_pred);
    tape.backward(loss);
    optimizer.config.lr = learning_rate(progress.fraction());
    optimizer.config.weight_decay = weight_decay(progress.fraction());
    optimizer.step(ijepa, tape);
    update_ema(ijepa.target_encoder, ijepa.encoder, momentum(progress.fraction()));
    progress.step(static_cast<double>(loss.value().item()), batch);
  }
}

}  // namespace

int main(int argc, char** argv) {
  example::Program program("Trains a small I-JEPA from nothing on three photos",
                           "ijepa_features.png");
  std::string photo_folder = TESSERA_PHOTO_DIR;
  Index steps = full_run;
  double seconds = std::numeric_limits<double>::infinity();
  program.app.add_option("--photos", photo_folder, "folder of PNG and JPEG files")
      ->capture_default_str();
  program.app.add_option("--steps", steps, "of training")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  program.app.add_option("--seconds", seconds, "after which training ends anyway")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);

  return program.run(argc, argv, [&] {
    Generator generator(program.seed);
    Generator judge(1);  // of its own, so that every run is judged by the same crops
    const example::Photos photos = example::load_photos(photo_folder);
    const auto held_out = random_batch(photos.held_out, 192, judge);
    IJEPA<float> ijepa = small_ijepa(generator);
    const Spread start = feature_spread(ijepa, held_out);
    print("I-JEPA of ", parameter_count(ijepa), " parameters learns from the left 60 % of ",
          photos.training.size(), " photos on ", current_threads(), " thread(s)");
    train(ijepa, photos.training, steps, seconds, generator);
    const Spread end = feature_spread(ijepa, held_out);

    print("features of ", held_out.dim(0), " crops of the right 40 %, which it never saw:");
    print("  standard deviation  ", fixed(start.std, 4), " at the start, ", fixed(end.std, 4),
          " at the end");
    print("  effective rank      ", fixed(start.rank, 1), " at the start, ", fixed(end.rank, 1),
          " at the end, of ", ijepa.encoder.config.embed_dim);
    return 0;
  });
}
