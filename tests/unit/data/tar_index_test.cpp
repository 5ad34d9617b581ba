#include "tessera/data/tar_index.hpp"

#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/data/tar.hpp"
#include "support/io/files.hpp"

namespace tessera::data::test {

using io::test::file_error;
using io::test::ScratchFolder;

namespace {

std::vector<TarMember> members_of(const std::string& archive) {
  const ScratchFolder folder;
  io::write_file(folder / "a.tar", std::as_bytes(std::span(archive)));
  return tar_members(io::InputFile(folder / "a.tar"));
}

std::vector<std::string> names_of(const std::string& archive) {
  std::vector<std::string> names;
  for (const TarMember& member : members_of(archive)) names.push_back(member.name);
  return names;
}

std::string error_of_archive(const std::string& archive) {
  const std::string text = file_error([&] { members_of(archive); });
  const std::size_t at = text.find("a.tar: ");
  return at == std::string::npos ? text : text.substr(at + 7);
}

}  // namespace

TEST_CASE("members have their name, size and place") {
  const std::vector<TarMember> members =
      members_of(TarWriter().add("a.jpg", "12345").add("b/c.cls", "").add("d", "x").finished());
  REQUIRE(members.size() == 3);
  CHECK(members[0].name == "a.jpg");
  CHECK(members[0].offset == 512);
  CHECK(members[0].size == 5);
  CHECK(members[1].name == "b/c.cls");
  CHECK(members[1].size == 0);
  CHECK(members[2].offset == 2048);
  CHECK(members_of(std::string(1024, '\0')).empty());
  // Some programs forget the zeros at the end.
  CHECK(names_of(TarWriter().add("a", "1").unfinished()) == std::vector<std::string>{"a"});
  // Others write zeros up to 10,240 bytes.
  CHECK(names_of(TarWriter().add("a", "1").finished() + std::string(8000, '\0')).size() == 1);
}

TEST_CASE("names longer than a header come in three ways") {
  const std::string longer(150, 'n');
  CHECK(names_of(TarWriter().member({.name = "base", .prefix = "front/part"}, "1").finished()) ==
        std::vector<std::string>{"front/part/base"});
  CHECK(names_of(TarWriter()
                     .pax({"mtime=1.5", "path=" + longer})
                     .add("short", "1")
                     .add("b", "2")
                     .finished()) == std::vector<std::string>{longer, "b"});
  CHECK(names_of(TarWriter()
                     .member({.name = "././@LongLink", .type = 'L'}, longer + std::string(1, '\0'))
                     .member({.name = "short", .magic = "ustar  "}, "1")
                     .add("b", "2")
                     .finished()) == std::vector<std::string>{longer, "b"});
  // GNU's format has times where ustar has the front part of a name.
  CHECK(names_of(TarWriter()
                     .member({.name = "a", .magic = "ustar  ", .prefix = "12345"}, "1")
                     .finished()) == std::vector<std::string>{"a"});
}

TEST_CASE("attributes that are not read may hold anything, and be long") {
  const std::string binary =
      "SCHILY.xattr.user.x=" + std::string("a\0b\0", 4) + std::string(99'000, 'c');
  CHECK(names_of(TarWriter().pax({binary, "path=long"}).add("short", "1").finished()) ==
        std::vector<std::string>{"long"});
}

TEST_CASE("sizes may be octal, in pax attributes, or GNU's numbers of base 256") {
  const std::string five = std::string("\x80", 1) + std::string(10, '\0') + "\x05";
  CHECK(members_of(TarWriter().member({.name = "a", .size = five}, "12345").finished())[0].size ==
        5);
  CHECK(members_of(TarWriter().member({.name = "a", .size = "     5 "}, "12345").finished())[0]
            .size == 5);
  CHECK(members_of(
            TarWriter().pax({"size=5"}).member({.name = "a", .size = "0"}, "12345").finished())[0]
            .size == 5);
}

TEST_CASE("folders, links and devices are passed over") {
  TarWriter tar;
  for (const char type : {'2', '3', '4', '5', '6'}) {
    tar.member({.name = "x", .size = "77", .type = type});  // without contents all the same
  }
  tar.member({.name = "old/", .type = '\0'}).member({.name = "y", .type = '7'}, "1");
  tar.member({.name = "long", .type = 'K'}, "target").pax({"comment=nothing"}, 'g').add("z", "2");
  CHECK(names_of(tar.finished()) == std::vector<std::string>{"y", "z"});
}

TEST_CASE("an archive with a hole, or two in one file, is refused") {
  const std::string one = TarWriter().add("a", "1").unfinished();
  const std::string zeros(512, '\0');
  const std::string hole =
      "has contents behind its end at byte 1024: a hole in it, or two archives in one file";
  CHECK(error_of_archive(one + zeros + one) == hole);
  CHECK(error_of_archive(TarWriter().add("a", "1").finished() +
                         TarWriter().add("b", "1").finished()) == hole);
}

TEST_CASE("archives that are damaged, packed or lead out of their folder are refused") {
  const auto error = error_of_archive;
  const std::string no_tar(600, 'x');
  CHECK(error(no_tar) == "is no tar archive");
  CHECK(error("\x1f\x8b" + no_tar) == "is no tar archive, but packed by gzip; unpack it first");
  CHECK(error("\x28\xb5\x2f\xfd" + no_tar) ==
        "is no tar archive, but packed by zstd; unpack it first");
  CHECK(error("\xfd"
              "7zXZ" +
              no_tar) == "is no tar archive, but packed by xz; unpack it first");
  CHECK(error("short") == "ends within a header, at byte 5");
  CHECK(error(TarWriter().add("a", "1").member({.name = "b", .wrong_sum = true}).finished()) ==
        "has a damaged header at byte 1024");
  CHECK(error(TarWriter().add("a", "1").unfinished() + "12") ==
        "ends within a header, at byte 1026");
  CHECK(
      error(
          TarWriter().add("a", "1").member({.name = "b", .size = "77777777777"}, "1").finished()) ==
      "member b has 8589934591 bytes and ends beyond the archive");
  CHECK(error(TarWriter().add("a", "1").member({.name = "b", .size = "1x"}, "1").finished()) ==
        "has a header with a damaged number, near byte 1536");
  CHECK(
      error(
          TarWriter().member({.name = "b", .size = "\x80" + std::string(11, '\xff')}).finished()) ==
      "has a header with a damaged number, near byte 512");
  CHECK(error(TarWriter().member({.name = "b", .type = 'S'}, "1").finished()) ==
        "member b is sparse");
  CHECK(error(TarWriter().member({.name = "b", .type = '1'}).finished()) ==
        "member b is a link to another member; pack the archive with --hard-dereference");
  for (const std::string name : {"/etc/passwd", "../x", "a/../b", "a/.."}) {
    CHECK(error(TarWriter().add(name, "1").finished()) ==
          "member \"" + name + "\" has an absolute name or one with ..");
  }
  CHECK(error(TarWriter().pax({"path=../x"}).add("a", "1").finished()) ==
        "member \"../x\" has an absolute name or one with ..");
  CHECK(names_of(TarWriter().add("a/..b/c..", "1").finished()).size() == 1);
}

TEST_CASE("pax attributes that are damaged or not supported are refused") {
  const auto error = [](const std::string& records, char type = 'x') {
    return error_of_archive(
        TarWriter().member({.name = "p", .type = type}, records).add("a", "1").finished());
  };
  for (const std::string records :
       {"9 path=a", "99 path=a\n", "x path=a\n", "3 \n", "0 path=a\n", "9path=a\n\n"}) {
    CHECK(error(records) == "has damaged pax attributes at byte 512");
  }
  CHECK(error("25 GNU.sparse.realsize=1\n") ==
        "has the pax attribute GNU.sparse.realsize at byte 512, which is not supported");
  CHECK(error("10 path=a\n", 'g') ==
        "has the pax attribute path at byte 512 for all members, which is not supported");
  CHECK(error("10 size=x\n") == "has a header with a damaged number, near byte 1024");
  CHECK(error(std::string(70'000, 'x'), 'L') ==
        "has a name or attributes of 70000 bytes at byte 512; the limit is 65536");
  CHECK(error(std::string("11 path=a") + '\0' + '\n') == "has a path with a zero byte at byte 512");
}

}  // namespace tessera::data::test
