#include "tessera/io/file/mapped_file.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "support/catch.hpp"
#include "support/io/files.hpp"

namespace tessera::io::test {

namespace {

/// Text in which no page looks like another.
std::string letters(std::size_t count) {
  std::string text(count, ' ');
  for (std::size_t i = 0; i < count; ++i) text[i] = static_cast<char>('a' + i % 23);
  return text;
}

}  // namespace

TEST_CASE("a mapped file and a read one have the same bytes") {
  const ScratchFolder folder;
  const auto path = folder / "a.bin";
  const std::string text(100'000, 'x');
  write_file(path, bytes_of(text + "end"));
  for (const bool map : {true, false}) {
    const MappedFile file(path, map);
    CHECK(file.is_mapped() == map);
    CHECK(file.name() == path.string());
    const std::vector<std::byte> expected = bytes_of(text + "end");
    CHECK(std::equal(file.bytes().begin(), file.bytes().end(), expected.begin(), expected.end()));
  }
}

TEST_CASE("an empty file has no bytes") {
  const ScratchFolder folder;
  write_file(folder / "empty", {});
  const MappedFile file(folder / "empty");
  CHECK(file.bytes().empty());
  file.release(file.bytes());
}

TEST_CASE("released bytes are still the file's") {
  const ScratchFolder folder;
  const auto path = folder / "a.bin";
  const std::string text = letters(300'000);
  write_file(path, bytes_of(text));
  for (const bool map : {true, false}) {
    const MappedFile file(path, map);
    const std::span<const std::byte> all = file.bytes();
    for (const auto& [first, count] : {std::pair<std::size_t, std::size_t>{0, 300'000},
                                       {1, 5},
                                       {4095, 4098},
                                       {299'999, 1},
                                       {100, 0}}) {
      file.release(all.subspan(first, count));
      const std::vector<std::byte> expected = bytes_of(text);
      CHECK(std::equal(all.begin(), all.end(), expected.begin(), expected.end()));
    }
  }
}

TEST_CASE("a private mapping is the file's bytes, and changes to it stay there") {
  const ScratchFolder folder;
  const auto path = folder / "a.bin";
  const std::string text = letters(20'000);
  write_file(path, bytes_of(text));
  std::unique_ptr<PrivateMapping> mapping, other;
  {
    const MappedFile file(path);
    mapping = file.map_privately(file.bytes().subspan(5003, 9001));
    other = file.map_privately(file.bytes().subspan(5000, 10));
    CHECK(file.map_privately(file.bytes().first(0)) == nullptr);
    CHECK(file.map_privately(std::as_bytes(std::span(text))) == nullptr);  // not of this file
    CHECK(MappedFile(path, false).map_privately(file.bytes()) == nullptr);
    std::filesystem::remove(path);
    CHECK(file.map_privately(file.bytes()) == nullptr);
    write_file(path, bytes_of(text));  // the same bytes, but another file
    CHECK(file.map_privately(file.bytes()) == nullptr);
    std::ranges::fill(mapping->bytes().first(4000), std::byte{'!'});
    const std::vector<std::byte> expected = bytes_of(text);
    CHECK(std::equal(file.bytes().begin(), file.bytes().end(), expected.begin(), expected.end()));
  }
  const std::vector<std::byte> part = bytes_of(std::string(4000, '!') + text.substr(9003, 5001));
  CHECK(std::ranges::equal(mapping->bytes(), part));
  CHECK(std::ranges::equal(other->bytes(), bytes_of(text.substr(5000, 10))));
}

TEST_CASE("a mapping moves, and outlives the name of its file") {
  const ScratchFolder folder;
  const auto path = folder / "a.bin";
  write_file(path, bytes_of("first"));
  MappedFile file(path);
  const std::byte* const place = file.bytes().data();
  MappedFile moved = std::move(file);
  CHECK(moved.bytes().data() == place);
  write_file(path, bytes_of("second"));  // a new file under the name
  MappedFile second(path);
  CHECK(moved.bytes()[0] == std::byte{'f'});
  moved = std::move(second);
  CHECK(moved.bytes()[0] == std::byte{'s'});
  std::filesystem::remove(path);
  CHECK(moved.bytes().size() == 6);
  CHECK(moved.bytes()[5] == std::byte{'d'});
}

TEST_CASE("what cannot be mapped is named") {
  const ScratchFolder folder;
  const std::string missing = (folder / "missing").string();
  CHECK(file_error([&] { const MappedFile file(missing); }) ==
        missing + ": cannot be opened: No such file or directory");
  const auto pipe = folder / "pipe";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  CHECK(file_error([&] { const MappedFile file(pipe); }) ==
        pipe.string() + ": is not a regular file");
}

}  // namespace tessera::io::test
