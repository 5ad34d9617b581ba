#include "tessera/run/pretrain.hpp"

#include <random>
#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/data/little_sources.hpp"
#include "support/io/files.hpp"
#include "support/run/killed.hpp"
#include "support/run/little_recipes.hpp"
#include "support/throws.hpp"
#include "tessera/core/threads/execution.hpp"

namespace tessera::run::test {

namespace fs = std::filesystem;
using data::test::NumberSource;
using io::test::file_error;
using io::test::ScratchFolder;

namespace {

/// The bytes of the weights that a run ended with.
std::string weights_of(const fs::path& run) {
  RunFolder folder(run);
  const std::optional<Save> save = folder.newest();
  REQUIRE(save);
  return io::test::text_of_file(save->folder / "weights.safetensors");
}

/// The losses of a run, by step.
std::vector<double> losses_of(const fs::path& run) {
  std::vector<double> losses;
  Index last = 0;
  for (const LogEntry& entry : read_log(run / "log.jsonl")) {
    REQUIRE(entry.step == last + 1);
    last = entry.step;
    for (const auto& [name, value] : entry.values) {
      if (name == "loss") losses.push_back(value);
    }
  }
  return losses;
}

/// Stops a run before its `step`th step.
auto stop_after(Index steps) {
  return [steps, asked = Index{0}]() mutable { return asked++ == steps; };
}

}  // namespace

TEMPLATE_TEST_CASE("a run has the same bits however often it is stopped and on any threads",
                   "[threads]", MaeMethod, IjepaMethod) {
  const NumberSource source(11);
  const auto recipe = [] {
    if constexpr (std::is_same_v<TestType, MaeMethod>) {
      return little_mae(4, 6);
    } else {
      return little_ijepa(4, 6);
    }
  }();
  const ScratchFolder scratch;
  const PretrainReport whole =
      pretrain<TestType>(recipe, source, scratch / "whole", {.seed = 5, .log_every = 1});
  CHECK(whole.end == PretrainEnd::finished);
  CHECK(whole.step == 12);
  const std::string expected = weights_of(scratch / "whole");
  const std::vector<double> losses = losses_of(scratch / "whole");
  CHECK(losses.size() == 12);

  // Two stops within one epoch, one at the end of an epoch; other threads, workers and saves.
  const ExecutionScope scope({.threads = 3});
  Index done = 0;
  for (const Index steps : {1, 0, 2, 3, 2}) {
    const PretrainReport part = pretrain<TestType>(recipe, source, scratch / "parts",
                                                   {.seed = 5,
                                                    .save_every = 2,
                                                    .log_every = 1,
                                                    .workers = static_cast<int>(done % 3),
                                                    .ahead = done % 4,
                                                    .stop = stop_after(steps)});
    CHECK(part.end == PretrainEnd::stopped);
    CHECK(part.first_step == done);
    done += steps;
    CHECK(part.step == done);
  }
  const PretrainReport rest =
      pretrain<TestType>(recipe, source, scratch / "parts", {.seed = 5, .log_every = 1});
  CHECK(rest.end == PretrainEnd::finished);
  CHECK((weights_of(scratch / "parts") == expected));
  CHECK(losses_of(scratch / "parts") == losses);

  // A finished run stays what it is.
  CHECK(pretrain<TestType>(recipe, source, scratch / "parts", {.seed = 5}).first_step == 12);
  CHECK((weights_of(scratch / "parts") == expected));
  pretrain<TestType>(recipe, source, scratch / "other seed", {.seed = 6});
  CHECK((weights_of(scratch / "other seed") != expected));
}

TEST_CASE("a run that is killed at random moments ends as one that is not") {
  const NumberSource source(11);
  const MaeRecipe recipe = little_mae(2, 40);  // 200 steps
  const ScratchFolder scratch;
  const PretrainOptions options{.seed = 1, .save_every = 3, .log_every = 1};
  pretrain<MaeMethod>(recipe, source, scratch / "whole", options);
  const std::string expected = weights_of(scratch / "whole");

  std::mt19937 random(2);
  int kills = 0;
  while (killed_after(5 + random() % 30, random, [&](const Tick& tick) {
    PretrainOptions told = options;
    told.progress = [&](const LogEntry&) { tick(); };
    pretrain<MaeMethod>(recipe, source, scratch / "killed", told);
  })) {
    ++kills;
    REQUIRE(kills < 200);
  }
  CHECK(kills >= 3);
  CHECK((weights_of(scratch / "killed") == expected));
  CHECK(losses_of(scratch / "killed") == losses_of(scratch / "whole"));
}

TEST_CASE("a log that lost its end in a loss of power costs no step") {
  const NumberSource source(11);
  const ScratchFolder scratch;
  pretrain<MaeMethod>(little_mae(4, 6), source, scratch / "whole", {.seed = 5});
  pretrain<MaeMethod>(little_mae(4, 6), source, scratch / "run",
                      {.seed = 5, .log_every = 1, .stop = stop_after(4)});
  fs::resize_file(scratch / "run/log.jsonl", 10);
  CHECK(pretrain<MaeMethod>(little_mae(4, 6), source, scratch / "run", {.seed = 5}).first_step ==
        4);
  CHECK((weights_of(scratch / "run") == weights_of(scratch / "whole")));
}

TEST_CASE("a run goes on with its own recipe, seed and data alone") {
  const NumberSource source(11);
  const ScratchFolder scratch;
  const fs::path run = scratch / "run";
  pretrain<MaeMethod>(little_mae(4, 6), source, run, {.seed = 5, .stop = stop_after(3)});
  const std::string before = weights_of(run);
  const auto error = [&](const MaeRecipe& recipe, const data::ImageSource& of, std::uint64_t seed) {
    const std::string text =
        file_error([&] { pretrain<MaeMethod>(recipe, of, run, {.seed = seed}); });
    REQUIRE(text.starts_with(run.string() + ": "));
    return text.substr(run.string().size() + 2);
  };
  CHECK(error(little_mae(4, 6), source, 6) == "the run has the seed 5, not 6");
  CHECK(error(little_mae(4, 7), source, 5) ==
        "the recipe has epochs = 7 now, and had 6; take another folder for another run");
  CHECK(error(little_mae(4, 6), NumberSource(12), 5) ==
        "the data have changed: 11 samples then, 12 now; take another folder for another run");
  CHECK((weights_of(run) == before));
  CHECK(file_error([&] {
          pretrain<IjepaMethod>(little_ijepa(4, 6), source, run, {.seed = 5});
        }).find("the recipe has ") != std::string::npos);
  CHECK(pretrain<MaeMethod>(little_mae(4, 6), source, run, {.seed = 5}).first_step == 3);
}

TEST_CASE("a damaged save is named, and the run goes on from the one before") {
  const NumberSource source(11);
  const ScratchFolder scratch;
  const PretrainOptions options{.seed = 5, .save_every = 2, .stop = stop_after(4)};
  pretrain<MaeMethod>(little_mae(4, 6), source, scratch / "run", options);
  const fs::path newest = RunFolder(scratch / "run").newest()->folder;
  fs::resize_file(newest / "moments.safetensors", 100);
  std::vector<DamagedSave> damaged;
  const PretrainReport report = pretrain<MaeMethod>(
      little_mae(4, 6), source, scratch / "run",
      {.seed = 5, .damaged = [&](const DamagedSave& one) { damaged.push_back(one); }});
  CHECK(report.first_step == 2);
  REQUIRE(damaged.size() == 1);
  CHECK(damaged[0].reason.starts_with("moments.safetensors has 100 bytes"));
  pretrain<MaeMethod>(little_mae(4, 6), source, scratch / "whole", {.seed = 5});
  CHECK((weights_of(scratch / "run") == weights_of(scratch / "whole")));
}

TEST_CASE("a run whose saves are all damaged is not begun anew") {
  const NumberSource source(11);
  const ScratchFolder scratch;
  pretrain<MaeMethod>(little_mae(4, 6), source, scratch / "run",
                      {.seed = 5, .stop = stop_after(4)});
  const fs::path save = RunFolder(scratch / "run").newest()->folder;
  fs::remove(save / "state.json");
  const auto log_bytes = fs::file_size(scratch / "run/log.jsonl");
  CHECK(file_error([&] {
          pretrain<MaeMethod>(little_mae(4, 6), source, scratch / "run", {.seed = 5});
        }) == (scratch / "run").string() + ": every save is damaged; the newest is " +
                  save.string() + ": state.json is missing");
  CHECK(fs::file_size(scratch / "run/log.jsonl") == log_bytes);
}

TEST_CASE("broken pictures that were replaced stand in the log, and the treatment in the recipe") {
  const NumberSource broken(2000, [](Index index) {
    if (index == 7) throw data::BrokenImageError("number 7: is broken");
  });
  const ScratchFolder scratch;
  const PretrainOptions options{.seed = 5, .broken_sample = data::BrokenSample::replace};
  MaeRecipe recipe = little_mae(1000, 2);
  pretrain<MaeMethod>(recipe, broken, scratch / "run", options);
  Index found = 0;
  for (const LogEntry& entry : read_log(scratch / "run/log.jsonl")) {
    for (const auto& [name, text] : entry.texts) {
      found += name == "replaced" && text == "number 7: is broken" ? 1 : 0;
    }
  }
  CHECK(found == 2);  // once in each epoch
  CHECK(file_error([&] {
          pretrain<MaeMethod>(recipe, broken, scratch / "run", {.seed = 5});
        }).find("the recipe has broken_sample = fail now, and had replace") != std::string::npos);
}

TEST_CASE("a loss that is not finite ends the run with its place, and leaves the last save") {
  const NumberSource source(11);
  const ScratchFolder scratch;
  MaeRecipe recipe = little_mae(4, 6);
  recipe.optimization.warmup_epochs = 0;
  recipe.optimization.peak_rate = 1e30;
  recipe.optimization.clip_norm = 0;
  const std::string error = file_error(
      [&] { pretrain<MaeMethod>(recipe, source, scratch / "run", {.seed = 5, .save_every = 1}); });
  CHECK(error.starts_with((scratch / "run").string() + ": step "));
  CHECK((error.find("): the loss is ") != std::string::npos ||
         error.find("): the gradient's norm is ") != std::string::npos));
  CHECK(RunFolder(scratch / "run").newest());
}

TEST_CASE("options that no run can have are refused") {
  const NumberSource source(11);
  const ScratchFolder scratch;
  using tessera::test::error_of;
  CHECK(error_of([&] {
          pretrain<MaeMethod>(little_mae(4, 6), source, scratch / "run", {.save_every = 0});
        }) == "pretrain: save_every = 0 and log_every = 10 must be positive");
  CHECK(error_of([&] { pretrain<MaeMethod>(little_mae(12, 6), source, scratch / "run"); }) ==
        "Loader: batch = 12 is not in [1, 11], the number of samples");
  IjepaRecipe recipe = little_ijepa(4, 6);
  recipe.masks.patch_size = 4;
  CHECK(error_of([&] { pretrain<IjepaMethod>(recipe, source, scratch / "run"); }) ==
        "IjepaMethod: masks for 16 x 16 in patches of 4 do not fit a model for 16 x 16 in patches "
        "of 2");
  CHECK_FALSE(fs::exists(scratch / "run"));
}

}  // namespace tessera::run::test
