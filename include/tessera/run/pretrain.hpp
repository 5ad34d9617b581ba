#pragma once

#include <chrono>
#include <cmath>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tessera/data/loader.hpp"
#include "tessera/io/weights/load.hpp"
#include "tessera/io/weights/save.hpp"
#include "tessera/masking/multi_block/mask.hpp"
#include "tessera/masking/random/random_token_mask.hpp"
#include "tessera/run/optimizer_file.hpp"
#include "tessera/run/recipe.hpp"
#include "tessera/run/run_folder.hpp"
#include "tessera/run/run_log.hpp"
#include "tessera/run/run_state.hpp"
#include "tessera/run/stop_request.hpp"
#include "tessera/train/clip.hpp"
#include "tessera/train/ema.hpp"

namespace tessera::run {

/// MAE as a method of pre-training: a model, and its loss for a batch at a step.
struct MaeMethod {
  using Model = MAE<float>;
  using Recipe = MaeRecipe;

  static Model fresh_model(const Recipe& recipe, Generator& generator) {
    Model model(recipe.model);
    initialize(model, recipe.initialization, generator);
    return model;
  }

  explicit MaeMethod(const Recipe& of) : recipe(of) {}

  /// The masks are a function of the seed and the step.
  Var<float, 0> loss(const Model& model, const Var<float, 4>& images, std::uint64_t seed,
                     Index step) const {
    Generator generator = data::generator_of(data::Stream::masks, seed, {step});
    const KeepMask tokens = random_token_mask(
        {images.dim(0), model.encoder.sequence_length()},
        {.mask_ratio = recipe.mask_ratio, .num_prefix_tokens = model.encoder.num_prefix_tokens()},
        generator);
    return model.loss(images, tokens.idx_keep, tokens.idx_mask);
  }

  void after_step(Model& /*model*/, double /*done*/) const {}

  Recipe recipe;
};

/// I-JEPA as a method of pre-training.
struct IjepaMethod {
  using Model = IJEPA<float>;
  using Recipe = IjepaRecipe;

  static Model fresh_model(const Recipe& recipe, Generator& generator) {
    Model model(recipe.model);
    initialize(model, recipe.initialization, generator);
    return model;
  }

  /// Throws std::invalid_argument if the masks are not of the model's grid, or cannot be drawn.
  explicit IjepaMethod(const Recipe& of) : recipe(of), sampler(of.masks) {
    const MaskedVisionTransformerConfig& encoder = recipe.model.encoder;
    if (recipe.masks.image_size != encoder.image_size ||
        recipe.masks.patch_size != encoder.patch_size) {
      refuse("IjepaMethod", "masks for ", recipe.masks.image_size, " in patches of ",
             recipe.masks.patch_size, " do not fit a model for ", encoder.image_size,
             " in patches of ", encoder.patch_size);
    }
  }

  Var<float, 0> loss(const Model& model, const Var<float, 4>& images, std::uint64_t seed,
                     Index step) const {
    Generator generator = data::generator_of(data::Stream::masks, seed, {step});
    const MultiBlockMasks masks =
        sampler.sample(images.dim(0), static_cast<std::uint64_t>(step), generator);
    return model.loss(images, masks.masks_context, masks.masks_target);
  }

  /// The target encoder follows the encoder. `done` is the share of the run before this step: the
  /// first update has the first momentum, as in the published code.
  void after_step(Model& model, double done) const {
    const LinearSchedule momentum{.start = recipe.start_momentum, .final = recipe.final_momentum};
    update_ema(model.target_encoder, model.encoder, momentum(done));
  }

  Recipe recipe;
  MultiBlockMaskSampler sampler;
};

struct PretrainOptions {
  std::uint64_t seed = 0;
  Index save_every = 1000;  ///< steps; the end and a stop are saved in any case
  Index log_every = 10;     ///< steps
  int workers = 1;          ///< threads that read pictures ahead
  Index ahead = 2;          ///< batches that are read ahead
  data::BrokenSample broken_sample = data::BrokenSample::fail;
  RunFolderOptions folder = {};
  /// Called with each line of measurements that the log gets, for a progress bar.
  std::function<void(const LogEntry&)> progress = {};
  /// Called before the first step with each save that was passed over.
  std::function<void(const DamagedSave&)> damaged = {};
  /// Asked between two steps; once true, the run is saved and left.
  std::function<bool()> stop = {};
};

enum class PretrainEnd {
  finished,  ///< all epochs of the recipe are done
  stopped    ///< PretrainOptions::stop said so; the run is saved and goes on when started again
};

struct PretrainReport {
  PretrainEnd end = PretrainEnd::finished;
  Index step = 0;
  Index first_step = 0;           ///< 0 for a new run, else the step it was resumed at
  std::filesystem::path weights;  ///< of the last save
};

/// "step 100  epoch 1.5  loss 0.8327 ...": what a log entry says, for a terminal.
inline std::string progress_line(const LogEntry& entry) {
  std::string line = concat("step ", entry.step);
  for (const auto& [name, value] : entry.values) line += concat("  ", name, " ", value);
  return line;
}

namespace detail {

/// Throws std::runtime_error unless the run that was saved is the one that is asked for.
inline void check_resumable(const std::filesystem::path& path, const RunState& saved,
                            const RunState& now) {
  const std::string folder = path.string();
  if (saved.seed != now.seed) {
    io::refuse_file(folder, "the run has the seed ", saved.seed, ", not ", now.seed);
  }
  const std::string settings = difference(saved.settings, now.settings);
  if (!settings.empty()) io::refuse_file(folder, settings, "; take another folder for another run");
  const std::string data = data::difference(saved.data, now.data);
  if (!data.empty()) io::refuse_file(folder, data, "; take another folder for another run");
}

/// Tells of saves that were passed over. Throws std::runtime_error if no other is left: to begin
/// anew would throw a run away that somebody may be able to mend.
inline void tell_damaged(const std::filesystem::path& path, const std::vector<DamagedSave>& damaged,
                         bool any_whole, const std::function<void(const DamagedSave&)>& tell) {
  for (const DamagedSave& one : damaged) {
    if (tell) tell(one);
  }
  if (!any_whole && !damaged.empty()) {
    io::refuse_file(path.string(), "every save is damaged; the newest is ",
                    damaged[0].folder.string(), ": ", damaged[0].reason);
  }
}

/// Throws std::runtime_error that says where a run went wrong.
template <class... Parts>
[[noreturn]] void refuse_step(const std::filesystem::path& path, const RunState& state,
                              const Parts&... parts) {
  io::refuse_file(path.string(), "step ", state.step, " (epoch ", state.place.epoch, ", batch ",
                  state.place.batch, "): ", parts...);
}

}  // namespace detail

/// Trains a model on `source` and keeps the run in `path`. A run is a function of source, recipe
/// and seed: it may be killed at any moment and started again, and ends with the weights that it
/// would have had, bit for bit, on any number of threads and workers. The folder gets
///
///     log.jsonl                          a line for each log_every steps
///     saves/STEP/weights.safetensors     of the model, loadable by anyone
///     saves/STEP/moments.safetensors     of the optimizer
///     saves/STEP/state.json              RunState
///
/// Throws std::runtime_error, before anything is changed, if the folder's run has another recipe or
/// seed, or other data, or all its saves are damaged; if another process writes to it; and what the
/// loader throws. Throws
/// std::runtime_error if a loss or gradient is not finite: the last save then is of a step before.
template <class Method>
PretrainReport pretrain(const typename Method::Recipe& recipe, const data::ImageSource& source,
                        const std::filesystem::path& path, const PretrainOptions& options = {}) {
  check_recipe("pretrain", recipe);
  if (options.save_every < 1 || options.log_every < 1) {
    refuse("pretrain", "save_every = ", options.save_every, " and log_every = ", options.log_every,
           " must be positive");
  }
  const Method method(recipe);
  data::Loader loader(source, recipe.augmentation,
                      {.batch = recipe.optimization.batch,
                       .seed = options.seed,
                       .broken_sample = options.broken_sample,
                       .workers = options.workers,
                       .ahead = options.ahead});
  const Index all_steps = loader.batches() * recipe.optimization.epochs;

  RunFolder folder(path, options.folder);
  RunState state;
  state.seed = options.seed;
  state.data = source.fingerprint();
  state.settings = settings_of(recipe);
  const bool replaces = options.broken_sample == data::BrokenSample::replace;
  state.settings.emplace_back("broken_sample", replaces ? "replace" : "fail");
  Generator generator = data::generator_of(data::Stream::first_weights, options.seed, {});
  auto model = Method::fresh_model(recipe, generator);
  AdamW<float> optimizer;
  const std::optional<Save> save = folder.newest();
  detail::tell_damaged(path, folder.damaged(), save.has_value(), options.damaged);
  if (save) {
    RunState saved = load_state(save->folder / "state.json");
    detail::check_resumable(path, saved, state);
    io::load_weights(save->folder / "weights.safetensors", model);
    load_optimizer(save->folder / "moments.safetensors", optimizer);
    state = std::move(saved);
  }
  PretrainReport report;
  report.first_step = state.step;
  RunLog log(path / "log.jsonl", state.log_bytes);

  if (log.missing() > 0) {
    log.add({.step = state.step,
             .values = {{"missing_log_bytes", static_cast<double>(log.missing())}}});
  }

  const auto save_run = [&] {
    log.sync();
    state.log_bytes = log.bytes();
    folder.save(state.step, [&](const std::filesystem::path& to) {
      io::save_weights(to / "weights.safetensors", model);
      save_optimizer(to / "moments.safetensors", optimizer);
      save_state(to / "state.json", state);
    });
  };

  using Clock = std::chrono::steady_clock;
  Clock::time_point since = Clock::now();
  Index images_since = 0;
  double waited_before = 0;
  while (state.step < all_steps) {
    if (options.stop && options.stop()) {
      save_run();
      report.end = PretrainEnd::stopped;
      break;
    }
    const data::Batch batch = loader.at(state.place);
    Generator of_step = data::generator_of(data::Stream::tape, options.seed, {state.step});
    Tape<float> tape(of_step);
    const auto loss = method.loss(model, Var(batch.images(), &tape), options.seed, state.step);
    const auto value = static_cast<double>(loss.value().item());
    if (!std::isfinite(value)) detail::refuse_step(path, state, "the loss is ", value);
    tape.backward(loss);
    const double norm = grad_norm(model, tape);
    if (!std::isfinite(norm)) detail::refuse_step(path, state, "the gradient's norm is ", norm);
    const double clip = recipe.optimization.clip_norm;
    if (clip > 0 && norm > clip) clip_grad_norm(model, tape, clip);
    optimizer.config = adamw_at(recipe.optimization, state.step, loader.batches());
    optimizer.step(model, tape);
    method.after_step(model, static_cast<double>(state.step) / static_cast<double>(all_steps));
    ++state.step;
    state.place = loader.after(state.place);
    for (const data::Replacement& one : batch.replaced) {
      log.add(
          {.step = state.step, .values = {}, .texts = {{"replaced", one.error}, {"by", one.by}}});
    }

    images_since += recipe.optimization.batch;
    if (state.step % options.log_every == 0 || state.step == all_steps) {
      const std::chrono::duration<double> seconds = Clock::now() - since;
      const double waited = loader.seconds_waited() - waited_before;
      const LogEntry entry{
          .step = state.step,
          .values = {
              {"epoch", static_cast<double>(state.step) / static_cast<double>(loader.batches())},
              {"loss", value},
              {"lr", optimizer.config.lr},
              {"grad_norm", norm},
              {"images_per_second", static_cast<double>(images_since) / seconds.count()},
              {"waiting_share", waited / seconds.count()}}};
      log.add(entry);
      if (options.progress) options.progress(entry);
      since = Clock::now();
      images_since = 0;
      waited_before = loader.seconds_waited();
    }
    if (state.step % options.save_every == 0 || state.step == all_steps) save_run();
  }
  report.step = state.step;
  report.weights = folder.folder_of(state.step) / "weights.safetensors";
  return report;
}

}  // namespace tessera::run
