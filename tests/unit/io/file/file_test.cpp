#include "tessera/io/file/file.hpp"

#include <sys/resource.h>
#include <sys/stat.h>

#include <atomic>
#include <csignal>
#include <cstring>
#include <thread>

#include "support/catch.hpp"
#include "support/io/files.hpp"

namespace tessera::io::test {

namespace fs = std::filesystem;

TEST_CASE("write_file and read_file round trip") {
  const ScratchFolder folder;
  const fs::path path = folder / "a.bin";
  for (const std::string& text : {std::string(), std::string("one"), std::string(100'000, 'x')}) {
    write_file(path, bytes_of(text));
    CHECK(text_of_file(path) == text);
    CHECK(folder.names() == std::set<std::string>{"a.bin"});
  }
}

TEST_CASE("an input file is read at any offset and reports its end") {
  const ScratchFolder folder;
  const fs::path path = folder / "a.bin";
  write_file(path, bytes_of("0123456789"));
  const InputFile file(path);
  CHECK(file.size() == 10);
  CHECK(file.name() == path.string());
  std::array<char, 4> part{};
  file.read(3, std::as_writable_bytes(std::span(part)));
  CHECK(std::string(part.data(), part.size()) == "3456");
  file.read(10, {});
  CHECK(file_error([&] { file.read(7, std::as_writable_bytes(std::span(part))); }) ==
        path.string() + ": ends before byte 11");
}

TEST_CASE("what cannot be opened for reading is named") {
  const ScratchFolder folder;
  const std::string missing = (folder / "missing").string();
  CHECK(file_error([&] { read_file(missing, 10); }) ==
        missing + ": cannot be opened: No such file or directory");
  CHECK(file_error([&] { read_file(folder / "", 10); }) ==
        (folder / "").string() + ": is not a regular file");
  const fs::path pipe = folder / "pipe";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  CHECK(file_error([&] { read_file(pipe, 10); }) == pipe.string() + ": is not a regular file");
}

TEST_CASE("read_file has a limit") {
  const ScratchFolder folder;
  const fs::path path = folder / "a.bin";
  write_file(path, bytes_of("0123456789"));
  CHECK(read_file(path, 10).size() == 10);
  CHECK(file_error([&] { read_file(path, 9); }) ==
        path.string() + ": has 10 bytes; the limit is 9");
}

TEST_CASE("a writer that throws leaves the old file and no litter") {
  const ScratchFolder folder;
  const fs::path path = folder / "a.bin";
  write_file(path, bytes_of("old"));
  CHECK(argument_error([&] {
          replace_file(path, [](OutputFile& file) {
            file.write(bytes_of("new and longer"));
            throw std::invalid_argument("stop");
          });
        }) == "stop");
  CHECK(text_of_file(path) == "old");
  CHECK(folder.names() == std::set<std::string>{"a.bin"});
}

TEST_CASE("a file that the system refuses to grow leaves the old one and no litter") {
  const ScratchFolder folder;
  const fs::path path = folder / "a.bin";
  write_file(path, bytes_of("old"));
  rlimit before{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &before) == 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);  // as a full disk: an error, not a signal
  const rlimit small{4096, before.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  const std::string message =
      file_error([&] { write_file(path, bytes_of(std::string(10'000, 'x'))); });
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &before) == 0);
  std::signal(SIGXFSZ, handler);
  CHECK(message == path.string() + ": cannot be written: File too large");
  CHECK(text_of_file(path) == "old");
  CHECK(folder.names() == std::set<std::string>{"a.bin"});
}

TEST_CASE("what cannot be written is named and left alone") {
  const ScratchFolder folder;
  const fs::path lost = folder / "missing/a.bin";
  CHECK(file_error([&] { write_file(lost, {}); }) ==
        lost.string() + ": cannot be written: No such file or directory");
  const fs::path taken = folder / "taken";
  fs::create_directory(taken);
  CHECK(file_error([&] { write_file(taken, {}); }) ==
        taken.string() + ": cannot be written: Is a directory");
  const fs::path dangling = folder / "dangling";
  fs::create_symlink("nowhere", dangling);
  CHECK(file_error([&] { write_file(dangling, {}); }) ==
        dangling.string() + ": cannot be written: No such file or directory");
  CHECK(folder.names() == std::set<std::string>{"dangling", "taken"});
  CHECK(fs::is_empty(taken));
}

TEST_CASE("a replaced file keeps its permissions, a symbolic link its place") {
  const ScratchFolder folder;
  const fs::path path = folder / "a.bin";
  write_file(path, bytes_of("old"));
  fs::permissions(path, fs::perms::owner_read | fs::perms::owner_write | fs::perms::group_read);
  const fs::path link = folder / "link";
  fs::create_symlink("a.bin", link);
  write_file(link, bytes_of("new"));
  CHECK(fs::is_symlink(link));
  CHECK(text_of_file(path) == "new");
  CHECK(fs::status(path).permissions() ==
        (fs::perms::owner_read | fs::perms::owner_write | fs::perms::group_read));
  CHECK(folder.names() == std::set<std::string>{"a.bin", "link"});
}

TEST_CASE("a relative path without a folder is written where the program runs") {
  const ScratchFolder folder;
  const fs::path before = fs::current_path();
  fs::current_path(folder / "");
  const std::string message = file_error([] { write_file("plain.bin", bytes_of("x")); });
  fs::current_path(before);
  CHECK(message == "(no exception)");
  CHECK(text_of_file(folder / "plain.bin") == "x");
}

TEST_CASE("readers beside many writers always see one whole file", "[threads]") {
  const ScratchFolder folder;
  const fs::path path = folder / "a.bin";
  write_file(path, bytes_of(std::string(5000, 'a')));
  std::atomic<bool> mixed = false;
  std::vector<std::thread> threads;
  for (int writer = 0; writer < 3; ++writer) {
    threads.emplace_back([&path, writer] {
      const std::string text(5000 + static_cast<std::size_t>(writer),
                             static_cast<char>('a' + writer));
      for (int round = 0; round < 20; ++round) write_file(path, bytes_of(text));
    });
  }
  threads.emplace_back([&] {
    for (int round = 0; round < 100; ++round) {
      const std::string text = text_of_file(path);
      const bool whole = text.size() == 5000 + static_cast<std::size_t>(text[0] - 'a') &&
                         text.find_first_not_of(text[0]) == std::string::npos;
      if (!whole) mixed = true;
    }
  });
  for (std::thread& thread : threads) thread.join();
  CHECK_FALSE(mixed);
  CHECK(folder.names() == std::set<std::string>{"a.bin"});
}

TEST_CASE("devices, pipes and sockets are not replaced") {
  const ScratchFolder folder;
  const fs::path pipe = folder / "pipe";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  CHECK(file_error([&] { write_file(pipe, bytes_of("x")); }) ==
        pipe.string() + ": cannot be written: is not a regular file");
  CHECK(fs::is_fifo(pipe));
  const fs::path link = folder / "null";
  fs::create_symlink("/dev/null", link);
  CHECK(file_error([&] { write_file(link, bytes_of("x")); }) ==
        link.string() + ": cannot be written: is not a regular file");
  CHECK(fs::is_character_file("/dev/null"));
  CHECK(folder.names() == std::set<std::string>{"null", "pipe"});
}

TEST_CASE("bits that change who runs a file are not copied") {
  const ScratchFolder folder;
  const fs::path path = folder / "a.bin";
  write_file(path, bytes_of("old"));
  REQUIRE(::chmod(path.c_str(), 06755) == 0);
  write_file(path, bytes_of("new"));
  CHECK(fs::status(path).permissions() == fs::perms{0755});
}

TEST_CASE("lack of memory at any moment leaves the old file and no litter") {
  const ScratchFolder folder;
  const fs::path path = folder / "a.bin";
  write_file(path, bytes_of("old"));
  CHECK_THROWS_AS(replace_file(path,
                               [](OutputFile& file) {
                                 file.write(bytes_of("new"));
                                 throw std::bad_alloc();
                               }),
                  std::bad_alloc);
  CHECK(text_of_file(path) == "old");
  CHECK(folder.names() == std::set<std::string>{"a.bin"});
}

}  // namespace tessera::io::test
