#include "tessera/run/run_log.hpp"

#include <cmath>
#include <limits>

#include "support/catch.hpp"
#include "support/io/files.hpp"
#include "support/throws.hpp"

namespace tessera::run::test {

using io::test::file_error;
using io::test::ScratchFolder;
using io::test::text_of_file;
using tessera::test::error_of;

TEST_CASE("a log is JSON lines with all digits") {
  const ScratchFolder folder;
  RunLog log(folder / "log.jsonl");
  log.add({.step = 1, .values = {{"lr", 1e-5}, {"loss", 0.1}}, .texts = {{"note", "a \"b\"\n"}}});
  log.add({.step = 2, .values = {{"loss", std::nan("")}, {"rank", 1.0 / 3}}});
  const std::string text =
      "{\"step\":1,\"lr\":1e-05,\"loss\":0.1,\"note\":\"a \\\"b\\\"\\n\"}\n"
      "{\"step\":2,\"loss\":null,\"rank\":0.3333333333333333}\n";
  CHECK(text_of_file(folder / "log.jsonl") == text);
  CHECK(log.bytes() == text.size());

  const std::vector<LogEntry> entries = read_log(folder / "log.jsonl");
  REQUIRE(entries.size() == 2);
  CHECK(entries[0].step == 1);
  CHECK(entries[0].values ==
        std::vector<std::pair<std::string, double>>{{"loss", 0.1}, {"lr", 1e-5}});
  CHECK(entries[0].texts ==
        std::vector<std::pair<std::string, std::string>>{{"note", "a \"b\"\n"}});
  CHECK(std::isnan(entries[1].values[0].second));
  CHECK(entries[1].values[1].second == 1.0 / 3);
}

TEST_CASE("a run that is resumed cuts its log to the saved length") {
  const ScratchFolder folder;
  std::uint64_t saved = 0;
  {
    RunLog log(folder / "log.jsonl");
    log.add({.step = 1, .values = {{"loss", 1}}});
    saved = log.bytes();
    log.add({.step = 2, .values = {{"loss", 2}}});
  }
  RunLog log(folder / "log.jsonl", saved);
  log.add({.step = 2, .values = {{"loss", 3}}});
  CHECK(text_of_file(folder / "log.jsonl") == "{\"step\":1,\"loss\":1}\n{\"step\":2,\"loss\":3}\n");
  CHECK(log.missing() == 0);
  // After a loss of power the log may be shorter than it was: it goes on.
  RunLog shorter(folder / "log.jsonl", 1000);
  CHECK(shorter.bytes() == 40);
  CHECK(shorter.missing() == 960);
  shorter.sync();
  RunLog whole(folder / "log.jsonl");
  CHECK(whole.bytes() == 40);
}

TEST_CASE("a part of a line, which a kill may leave, is passed over, and other faults are named") {
  const ScratchFolder folder;
  const auto path = folder / "log.jsonl";
  io::write_file(path, io::test::bytes_of("{\"step\":1}\n{\"step\":2,\"lo"));
  CHECK(read_log(path).size() == 1);
  io::write_file(path, io::test::bytes_of("{\"step\":1}\n{\"loss\":1}\n"));
  CHECK(file_error([&] { read_log(path); }) == path.string() + ": line 2: has no step");
  io::write_file(path, io::test::bytes_of("{\"step\":1e300}\n"));
  CHECK(file_error([&] { read_log(path); }) == path.string() + ": line 1: step 1e+300 is no step");
  io::write_file(path, io::test::bytes_of("nonsense\n"));
  CHECK(file_error([&] { read_log(path); }).starts_with(path.string() + ": line 1: "));
}

TEST_CASE("entries that could not be read back are refused and leave nothing") {
  const ScratchFolder folder;
  RunLog log(folder / "log.jsonl");
  CHECK(error_of([&] { log.add({.values = {{"a", 1}}, .texts = {{"a", "b"}}}); }) ==
        "RunLog::add: \"a\" stands twice in one entry");
  CHECK(error_of([&] { log.add({.values = {{"step", 1}}}); }) ==
        "RunLog::add: \"step\" stands twice in one entry");
  CHECK(error_of([&] { log.add({.values = {{"", 1}}}); }) == "RunLog::add: a value has no name");
  CHECK(log.bytes() == 0);
  CHECK(text_of_file(folder / "log.jsonl").empty());
  CHECK(file_error([] {
          RunLog("/proc/no/log.jsonl");
        }).starts_with("/proc/no/log.jsonl: cannot be written: "));
}

}  // namespace tessera::run::test
