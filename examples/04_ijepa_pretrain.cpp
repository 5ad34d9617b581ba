// Trains a small I-JEPA from nothing, for a minute, on three photos: from one block of patches it
// learns to predict the features of four others, as a slowly following copy of itself sees them.
// Nothing in that loss forbids the same answer for every image, so what counts is printed beside
// it: how far features of crops that it never saw spread, and over how many directions. Expected
// output, about:
//
//   features of 192 crops of the right 40 %, which it never saw:
//     standard deviation  0.43 at the start, 0.78 at the end
//     effective rank      12.6 at the start, 9.0 at the end, of 96
//   They did not collapse: photos still differ in many directions.

#include <limits>

#include "support/photos.hpp"
#include "support/picture.hpp"
#include "support/print.hpp"
#include "support/program.hpp"
#include "support/progress.hpp"
#include "tessera/eval/collapse.hpp"
#include "tessera/io/image/png.hpp"
#include "tessera/io/image/resize.hpp"
#include "tessera/io/image/to_tensor.hpp"
#include "tessera/tessera.hpp"

using namespace tessera;
using example::fixed;
using example::print;

namespace {

constexpr Index side = 96;  // pixels of a crop
constexpr Index patch = 8;
constexpr Index held_out_crops = 192;
constexpr Index full_run = 600;  // steps, about a minute on two cores
constexpr data::CropRange crop_range{.area_low = 0.1, .area_high = 0.5};

IJEPA<float> small_ijepa(Generator& generator) {
  IJEPA<float> ijepa({.encoder = {.image_size = side,
                                  .patch_size = patch,
                                  .embed_dim = 96,
                                  .depth = 3,
                                  .num_heads = 3,
                                  .class_token = false},
                      .predictor_embed_dim = 48,
                      .predictor_depth = 2,
                      .predictor_num_heads = 3});
  // Not the recipe of the paper, 0.02 throughout: in so narrow a model it leaves little signal.
  initialize(ijepa, InitRecipe::mae, generator);
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

/// Returns whether all steps were made before time was up.
bool train(IJEPA<float>& ijepa, const std::vector<io::Image>& photos, Index steps, double seconds,
           bool ema, Generator& generator) {
  constexpr Index batch = 16;
  const MultiBlockMaskSampler sampler({.image_size = side, .patch_size = patch});
  const WarmupCosine learning_rate{.start = 2e-4, .peak = 1e-3, .final = 1e-6, .warmup = 0.1};
  const LinearSchedule momentum{.start = ema ? 0.97 : 0.0, .final = ema ? 1.0 : 0.0};
  AdamW<float> optimizer({.weight_decay = 0.04});
  example::Progress progress(steps, seconds);
  for (std::uint64_t step = 0; progress.running(); ++step) {
    const auto images = random_batch(photos, batch, generator);
    const MultiBlockMasks masks = sampler.sample(batch, step, generator);

    Tape<float> tape(generator);
    const auto loss = ijepa.loss(Var(images, &tape), masks.masks_context, masks.masks_target);
    tape.backward(loss);
    optimizer.config.lr = learning_rate(progress.fraction());
    optimizer.step(ijepa, tape);
    update_ema(ijepa.target_encoder, ijepa.encoder, momentum(progress.fraction()));
    progress.step(static_cast<double>(loss.value().item()), batch);
  }
  return progress.steps() == steps;
}

/// features [B, N, D] -> three numbers in about [0, 1] for each of the B N: its first three
/// principal components.
Eigen::MatrixXf principal_colors(const Tensor<float, 3>& features) {
  Eigen::MatrixXf x = features.matrix();
  x.rowwise() -= x.colwise().mean().eval();
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXf> solver(x.transpose() * x);
  Eigen::MatrixXf colors = x * solver.eigenvectors().rightCols(3).rowwise().reverse();
  const float length = std::sqrt(static_cast<float>(colors.rows()));
  for (Index c = 0; c < 3; ++c) {
    colors.col(c) *= 0.2F * length / std::max(colors.col(c).norm(), 1e-6F);
  }
  return colors.array() + 0.5F;
}

/// Every photo, whole, beside the features of its patches as colors.
io::Image feature_picture(const IJEPA<float>& ijepa, const std::vector<io::Image>& photos) {
  constexpr Index height = 256;  // larger than a crop: positions are resampled
  constexpr Index width = 320;
  constexpr Index rows = height / patch;
  constexpr Index columns = width / patch;
  std::vector<io::Image> scaled;
  for (const io::Image& photo : photos) {
    const Index whole_columns = std::min(photo.dim(1), photo.dim(0) * width / height);
    scaled.push_back(
        io::resize(io::center_crop(photo, {whole_columns * height / width, whole_columns}),
                   {height, width}, io::Filter::bicubic));
  }
  const auto features = ijepa.target_encoder.encode(io::to_batch<float>(scaled));
  const Eigen::MatrixXf colors = principal_colors(features.value());
  std::vector<io::Image> pairs;
  for (std::size_t i = 0; i < scaled.size(); ++i) {
    Tensor<float, 3> map({3, rows, columns});
    const Index first = static_cast<Index>(i) * rows * columns;
    MatrixMap<float>(map.data(), 3, rows * columns) =
        colors.middleRows(first, rows * columns).transpose();
    pairs.push_back(io::side_by_side(
        {scaled[i], example::enlarged(io::to_image(map, io::no_normalization), patch)}));
  }
  return example::stacked(pairs, 4);
}

}  // namespace

int main(int argc, char** argv) {
  example::Program program("Trains a small I-JEPA from nothing on three photos",
                           "ijepa_features.png");
  std::string photo_folder = TESSERA_PHOTO_DIR;
  Index steps = full_run;
  bool no_ema = false;
  double seconds = std::numeric_limits<double>::infinity();
  program.app.add_option("--photos", photo_folder, "folder of PNG and JPEG files")
      ->capture_default_str();
  program.app.add_option("--steps", steps, "of training")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  program.app.add_option("--seconds", seconds, "after which training ends anyway")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  program.app.add_flag("--no-ema", no_ema,
                       "the target encoder is the encoder itself: watch the features shrink");

  return program.run(argc, argv, [&] {
    Generator generator(program.seed);
    Generator judge(1);  // of its own, so that every run is judged by the same crops
    const example::Photos photos = example::load_photos(photo_folder);
    const auto held_out = random_batch(photos.held_out, held_out_crops, judge);
    IJEPA<float> ijepa = small_ijepa(generator);
    const Spread start = feature_spread(ijepa, held_out);
    print("I-JEPA of ", parameter_count(ijepa), " parameters learns from the left 60 % of ",
          photos.training.size(), " photos on ", current_threads(), " thread(s)");
    const bool complete = train(ijepa, photos.training, steps, seconds, !no_ema, generator);
    const Spread end = feature_spread(ijepa, held_out);

    print("features of ", held_out.dim(0), " crops of the right 40 %, which it never saw:");
    print("  standard deviation  ", fixed(start.std, 4), " at the start, ", fixed(end.std, 4),
          " at the end");
    print("  effective rank      ", fixed(start.rank, 1), " at the start, ", fixed(end.rank, 1),
          " at the end, of ", ijepa.encoder.config.embed_dim);
    const bool collapsed = end.std < start.std / 2 || end.rank < 2;
    print(collapsed ? "They collapsed: whatever the photo, the features are nearly the same."
                    : "They did not collapse: photos still differ in many directions.");

    io::write_png(program.output(), feature_picture(ijepa, photos.whole));
    print("picture: ", program.output().string(), ": photo | features as colors");
    return collapsed && complete && !no_ema ? 1 : 0;
  });
}
