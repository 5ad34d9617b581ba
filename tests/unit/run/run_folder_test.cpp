#include "tessera/run/run_folder.hpp"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <random>
#include <stdexcept>

#include "support/catch.hpp"
#include "support/io/files.hpp"
#include "support/run/killed.hpp"
#include "support/throws.hpp"

namespace tessera::run::test {

namespace fs = std::filesystem;
using io::test::bytes_of;
using io::test::file_error;
using io::test::ScratchFolder;
using io::test::text_of_file;
using tessera::test::error_of;

namespace {

/// Two files whose contents tell the step.
auto contents_of(Index step, std::size_t bytes = 100) {
  return [=](const fs::path& folder) {
    const std::string text(bytes, static_cast<char>('a' + step % 26));
    io::write_file(folder / "weights.safetensors", bytes_of(text));
    io::write_file(folder / "state.json", bytes_of(std::to_string(step)));
  };
}

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(folder)) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

TEST_CASE("the newest save is found, and as many are kept as wanted") {
  const ScratchFolder scratch;
  {
    RunFolder folder(scratch / "run", {.keep = 2, .keep_every = 20});
    CHECK_FALSE(folder.newest());
    for (const Index step : {10, 20, 30, 40, 50}) folder.save(step, contents_of(step));
    CHECK(names_in(scratch / "run/saves") ==
          std::vector<std::string>{"000000000020", "000000000040", "000000000050"});
  }
  RunFolder again(scratch / "run");
  const std::optional<Save> newest = again.newest();
  REQUIRE(newest);
  CHECK(newest->step == 50);
  CHECK(text_of_file(newest->folder / "state.json") == "50");
  CHECK(again.damaged().empty());
  CHECK(
      text_of_file(newest->folder / "complete.json") ==
      "{\"format\":1,\"step\":50,\"files\":{\n\"state.json\":{\"bytes\":2,\"crc32\":3308380389},\n"
      "\"weights.safetensors\":{\"bytes\":100,\"crc32\":668903962}}}\n");
  // A whole save of a step stays what it is.
  again.save(50, [](const fs::path&) { throw std::logic_error("not called"); });
}

TEST_CASE("damaged saves are named and passed over") {
  const ScratchFolder scratch;
  RunFolder folder(scratch / "run", {.keep = 9});
  const auto save_path = [&](Index step) {
    return scratch / "run/saves" / ("0000000000" + std::to_string(step));
  };
  for (const Index step : {10, 20, 30, 40, 50, 60, 70}) folder.save(step, contents_of(step));
  fs::resize_file(save_path(70) / "weights.safetensors", 99);
  io::write_file(save_path(60) / "weights.safetensors", bytes_of(std::string(100, '!')));
  fs::remove(save_path(50) / "state.json");
  fs::remove(save_path(40) / "complete.json");
  io::write_file(save_path(30) / "complete.json", bytes_of("{\"format\":1,"));
  io::write_file(save_path(20) / "extra", bytes_of("x"));
  const std::optional<Save> newest = folder.newest();
  REQUIRE(newest);
  CHECK(newest->step == 10);
  std::vector<std::string> reasons;
  for (const DamagedSave& damaged : folder.damaged()) reasons.push_back(damaged.reason);
  REQUIRE(reasons.size() == 6);
  CHECK(reasons[0] == "weights.safetensors has 99 bytes, not 100");
  CHECK(reasons[1] == "weights.safetensors is damaged: its CRC-32 is wrong");
  CHECK(reasons[2] == "state.json is missing");
  CHECK(reasons[3] == "has no complete.json");
  CHECK(reasons[4].find("complete.json: ") != std::string::npos);
  CHECK(reasons[5] == "extra is not in its table");
  CHECK(folder.damaged()[0].folder == save_path(70));

  // The step is saved anew where its save is damaged, which is put aside.
  folder.save(70, contents_of(70));
  CHECK(folder.newest()->step == 70);
  CHECK(fs::exists(save_path(70).string() + ".damaged-1/weights.safetensors"));
}

TEST_CASE("damaged saves neither count among those that are kept nor are removed") {
  for (const Index keep : {1, 2}) {
    const ScratchFolder scratch;
    const auto save_path = [&](Index step) {
      return scratch / "run/saves" / ("000000000" + std::to_string(step));
    };
    {
      RunFolder folder(scratch / "run", {.keep = 9});
      for (const Index step : {100, 200, 300}) folder.save(step, contents_of(step));
    }
    fs::resize_file(save_path(300) / "weights.safetensors", 1);
    io::write_file(save_path(200) / "weights.safetensors", bytes_of(std::string(100, '!')));
    RunFolder folder(scratch / "run", {.keep = keep});
    CHECK(folder.newest()->step == 100);
    folder.save(110, contents_of(110));
    CHECK(fs::exists(save_path(300)));
    CHECK(fs::exists(save_path(200)));
    CHECK(fs::exists(save_path(100)) == (keep == 2));
    CHECK(folder.newest()->step == 110);
  }
}

TEST_CASE("a save of a newer version is an error, never passed over") {
  const ScratchFolder scratch;
  RunFolder folder(scratch / "run");
  folder.save(10, contents_of(10));
  folder.save(20, contents_of(20));
  const fs::path newer = scratch / "run/saves/000000000020";
  io::write_file(newer / "complete.json", bytes_of("{\"format\":2,\"step\":20}"));
  CHECK(file_error([&] { folder.newest(); }) ==
        newer.string() + ": was saved by a newer version of Tessera; this one knows format 1");
}

TEST_CASE("folders that are no saves are left alone, leftovers of a kill are not") {
  const ScratchFolder scratch;
  fs::create_directories(scratch / "run/saves/best");
  fs::create_directories(scratch / "run/saves/.tessera-1-2.tmp/deep");
  RunFolder folder(scratch / "run", {.keep = 1});
  folder.save(10, contents_of(10));
  folder.save(20, contents_of(20));
  CHECK(names_in(scratch / "run/saves") == std::vector<std::string>{"000000000020", "best"});
}

TEST_CASE("a second writer is refused while the first one lives") {
  const ScratchFolder scratch;
  {
    const RunFolder folder(scratch / "run");
    CHECK(file_error([&] { RunFolder(scratch / "run"); }) ==
          (scratch / "run").string() + ": another process writes to this run: process " +
              std::to_string(::getpid()));
  }
  CHECK_NOTHROW(RunFolder(scratch / "run"));
}

TEST_CASE("errors while saving leave the former saves and nothing else") {
  const ScratchFolder scratch;
  RunFolder folder(scratch / "run", {.keep = 1});
  folder.save(10, contents_of(10));
  CHECK_THROWS_AS(folder.save(20,
                              [](const fs::path& path) {
                                io::write_file(path / "a", bytes_of("a"));
                                throw std::bad_alloc();
                              }),
                  std::bad_alloc);
  CHECK(file_error([&] {
          folder.save(20, [](const fs::path&) {});
        }).ends_with("nothing was put into the save"));
  CHECK(names_in(scratch / "run/saves") == std::vector<std::string>{"000000000010"});
  CHECK(error_of([&] { folder.save(-1, contents_of(1)); }) ==
        "RunFolder::save: step = -1 is negative");
  CHECK(error_of([&] { RunFolder(scratch / "other", {.keep = 0}); }) ==
        "RunFolder: keep = 0 is not positive");
  CHECK(
      file_error([] { RunFolder("/proc/run"); }).starts_with("/proc/run/saves: cannot be made: "));
}

TEST_CASE("a full disk is an error and loses nothing") {
  const ScratchFolder scratch;
  const pid_t child = ::fork();
  if (child == 0) {
    // Files above this size cannot be written: the system answers as for a full disk.
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{50'000, 50'000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    RunFolder folder(scratch / "run", {.keep = 1});
    folder.save(10, contents_of(10, 40'000));
    try {
      folder.save(20, contents_of(20, 60'000));
    } catch (const std::runtime_error&) {
      ::_exit(folder.newest()->step == 10 ? 0 : 1);
    }
    ::_exit(2);
  }
  int status = 0;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(WEXITSTATUS(status) == 0);
  CHECK(names_in(scratch / "run/saves") == std::vector<std::string>{"000000000010"});
}

TEST_CASE("a process killed at any moment leaves a whole save") {
  const ScratchFolder scratch;
  std::mt19937 random(1);
  Index last = 0;
  for (int round = 0; round < 40; ++round) {
    const bool killed = killed_after(1 + random() % 3, random, [&](const Tick& tick) {
      RunFolder folder(scratch / "run", {.keep = 1});
      const std::optional<Save> newest = folder.newest();
      for (Index step = newest ? newest->step + 1 : 1;; ++step) {
        folder.save(step, contents_of(step, 20'000));
        tick();
      }
    });
    REQUIRE(killed);
    RunFolder folder(scratch / "run", {.keep = 1});
    const std::optional<Save> newest = folder.newest();
    REQUIRE(newest);
    REQUIRE(folder.damaged().empty());
    REQUIRE(newest->step > last);
    last = newest->step;
    REQUIRE(text_of_file(newest->folder / "state.json") == std::to_string(last));
    REQUIRE(fs::file_size(newest->folder / "weights.safetensors") == 20'000);
  }
}

}  // namespace tessera::run::test
