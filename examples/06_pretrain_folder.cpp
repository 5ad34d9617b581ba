// Pre-trains a small MAE or I-JEPA on a folder of pictures, and can be stopped: by Ctrl-C, kill or
// a power cut. Started again with the same words, it goes on and ends with the weights that it
// would have had, bit for bit, on any number of threads.
//
//     06_pretrain_folder photos/ --run runs/photos --epochs 200
//
//     mae on 3 pictures in batches of 3, run in runs/photos
//     step 10  epoch 10  loss 1.02431  lr 0.000675  grad_norm 1.29  images_per_second 83.1 ...
//     ...
//     done at step 200; weights: runs/photos/saves/000000000200/weights.safetensors

#include <CLI/CLI.hpp>
#include <algorithm>
#include <string>

#include "support/print.hpp"
#include "support/run.hpp"
#include "tessera/data/folder_source.hpp"
#include "tessera/run/pretrain.hpp"

using namespace tessera;
using example::print;

namespace {

constexpr Index image_size = 64;
constexpr Index patch_size = 8;
constexpr Index width = 96;

struct Settings {
  std::string pictures = TESSERA_PHOTO_DIR;
  std::string run = "runs/mae";
  std::string method = "mae";
  Index batch = 64;
  Index epochs = 100;
  Index threads = 0;
  std::uint64_t seed = 0;
};

/// Rates as in the published recipes, warm-up a tenth of the run. A set smaller than the batch is
/// one batch.
run::Optimization optimization(const Settings& settings, Index pictures, double peak_rate) {
  return {.batch = std::min(settings.batch, pictures),
          .epochs = settings.epochs,
          .warmup_epochs = 0.1 * static_cast<double>(settings.epochs),
          .peak_rate = peak_rate};
}

run::MaeRecipe mae_recipe(const Settings& settings, Index pictures) {
  return {.model = {.encoder = {.image_size = {image_size, image_size},
                                .patch_size = patch_size,
                                .embed_dim = width,
                                .depth = 4,
                                .num_heads = 3},
                    .decoder_embed_dim = width,
                    .decoder_depth = 2,
                    .decoder_num_heads = 3,
                    .norm_pix_loss = true},
          .augmentation = data::mae_augmentation(image_size),
          .optimization = optimization(settings, pictures, 1.5e-3)};
}

run::IjepaRecipe ijepa_recipe(const Settings& settings, Index pictures) {
  return {
      .model = {.encoder = {.image_size = {image_size, image_size},
                            .patch_size = patch_size,
                            .embed_dim = width,
                            .depth = 4,
                            .num_heads = 3,
                            .class_token = false},
                .predictor_embed_dim = width / 2,
                .predictor_depth = 2,
                .predictor_num_heads = 3},
      // Not the paper's 0.02 throughout: in so narrow a model it leaves little signal.
      .initialization = InitRecipe::mae,
      .augmentation = data::ijepa_augmentation(image_size),
      .masks = {.image_size = {image_size, image_size}, .patch_size = patch_size, .min_keep = 4},
      .optimization = optimization(settings, pictures, 1e-3)};
}

template <class Method>
int pretrain(const typename Method::Recipe& recipe, const data::ImageSource& pictures,
             const Settings& settings) {
  const run::StopRequest stop;  // before other threads begin
  const ExecutionScope scope({.threads = settings.threads});
  print(settings.method, " on ", pictures.size(), " pictures in batches of ",
        recipe.optimization.batch, ", run in ", settings.run);
  const run::PretrainReport report = run::pretrain<Method>(
      recipe, pictures, settings.run,
      {.seed = settings.seed,
       .save_every = 100,
       .progress = [](const run::LogEntry& entry) { print(run::progress_line(entry)); },
       .damaged =
           [](const run::DamagedSave& save) {
             print("passed over: ", save.folder.string(), ": ", save.reason);
           },
       .stop = [&] { return stop.asked(); }});
  if (report.end == run::PretrainEnd::stopped) {
    print("stopped and saved at step ", report.step, "; start again to go on");
    return run::stopped_exit_code;
  }
  print("done at step ", report.step, "; weights: ", report.weights.string());
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(
      "Pre-trains a small MAE or I-JEPA on a folder of pictures; may be stopped and "
      "started again");
  Settings settings;
  app.add_option("pictures", settings.pictures, "folder of PNG and JPEG files, with others in it")
      ->capture_default_str();
  app.add_option("--run", settings.run, "folder that the run is kept in")->capture_default_str();
  app.add_option("--method", settings.method, "mae or ijepa")
      ->check(CLI::IsMember({"mae", "ijepa"}))
      ->capture_default_str();
  app.add_option("--batch", settings.batch, "pictures in a step")->capture_default_str();
  app.add_option("--epochs", settings.epochs, "of training")->capture_default_str();
  app.add_option("--threads", settings.threads, "0: one per processor")->capture_default_str();
  app.add_option("--seed", settings.seed, "of all random numbers")->capture_default_str();

  return example::run_program(app, argc, argv, [&] {
    const data::FolderSource pictures(settings.pictures);
    if (settings.method == "mae") {
      return pretrain<run::MaeMethod>(mae_recipe(settings, pictures.size()), pictures, settings);
    }
    return pretrain<run::IjepaMethod>(ijepa_recipe(settings, pictures.size()), pictures, settings);
  });
}
