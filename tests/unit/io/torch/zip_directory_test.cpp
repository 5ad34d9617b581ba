#include "tessera/io/torch/zip_directory.hpp"

#include "support/catch.hpp"
#include "support/heap/heap_watch.hpp"
#include "support/io/files.hpp"
#include "support/io/zip.hpp"

namespace tessera::io::test {

namespace {

std::string error_of(const std::string& archive, const ZipOptions& options = {}) {
  const std::vector<std::byte> bytes = bytes_of(archive);
  std::string message;
  const std::size_t allocated = tessera::test::heap_bytes_of(
      [&] { message = file_error([&] { const ZipDirectory zip(bytes, "a.pth", options); }); });
  CHECK(allocated < 100'000);
  return message;
}

std::string text_of_entry(const ZipEntry& entry) {
  return {reinterpret_cast<const char*>(entry.bytes.data()), entry.bytes.size()};
}

/// The end of an archive in its 64-bit form: record, locator, and an end record that defers to it.
std::string end_64(std::uint64_t offset, std::uint64_t size, std::uint64_t entries,
                   std::uint64_t place, std::uint32_t short_offset = 0xFFFFFFFF) {
  return "PK\6\6" + number_bytes<std::uint64_t>(44) + number_bytes<std::uint32_t>(0) +
         number_bytes<std::uint64_t>(0) + number_bytes(entries) + number_bytes(entries) +
         number_bytes(size) + number_bytes(offset) + "PK\6\7" + number_bytes<std::uint32_t>(0) +
         number_bytes(place) + number_bytes<std::uint32_t>(1) + "PK\5\6" +
         number_bytes<std::uint32_t>(0) + number_bytes<std::uint32_t>(0xFFFFFFFF) +
         number_bytes<std::uint32_t>(0xFFFFFFFF) + number_bytes(short_offset) +
         number_bytes<std::uint16_t>(0);
}

}  // namespace

TEST_CASE("stored entries are views into the archive") {
  const std::vector<std::byte> bytes =
      bytes_of(zip_text({{"b/data.pkl", "pickle"}, {"b/data/0", "0123", 0x0800}, {"a", ""}}));
  const ZipDirectory zip(bytes, "a.pth", {.check_crc = true});
  REQUIRE(zip.entries().size() == 3);
  CHECK(zip.entries()[0].name == "a");
  CHECK(zip.entries()[1].name == "b/data.pkl");
  CHECK(text_of_entry(*zip.find("b/data/0")) == "0123");
  CHECK(zip.find("b/data/0")->bytes.data() > bytes.data());
  CHECK(zip.find("b/data/0")->bytes.data() < bytes.data() + bytes.size());
  CHECK(zip.find("a")->bytes.empty());
  CHECK(zip.find("b") == nullptr);
  CHECK(zip.find("c") == nullptr);
}

TEST_CASE("an empty archive and one with a comment are read") {
  CHECK(error_of(zip_text({})) == "(no exception)");
  CHECK(error_of(zip_text({{"a", "x"}}, {.comment = "made by PK\5\6 hand"})) == "(no exception)");
}

TEST_CASE("sizes may follow the data, and stand in 64-bit fields") {
  const std::string large = number_bytes<std::uint16_t>(1) + number_bytes<std::uint16_t>(24) +
                            number_bytes<std::uint64_t>(4) + number_bytes<std::uint64_t>(4) +
                            number_bytes<std::uint64_t>(0);
  ZipItem item{"a", "0123", 8};
  item.local_size = 0;
  item.size = item.packed_size = 0xFFFFFFFF;
  item.offset_shift = 0xFFFFFFFF;  // the entry stands at 0
  item.extra = "FB" + number_bytes<std::uint16_t>(2) + "ZZ" + large;
  item.local_extra = "FB" + number_bytes<std::uint16_t>(0);
  const std::string plain = zip_text({item});
  // the same with a 64-bit end
  const std::size_t end = plain.size() - 22;
  const std::size_t table = plain.find("PK\1\2");
  const std::string both = plain.substr(0, end) + end_64(table, end - table, 1, end);
  for (const std::string& archive : {plain, both}) {
    const std::vector<std::byte> bytes = bytes_of(archive);
    const ZipDirectory zip(bytes);
    CHECK(text_of_entry(*zip.find("a")) == "0123");
  }
  item.local_size = 0xFFFFFFFF;
  item.local_extra = large.substr(0, 2) + number_bytes<std::uint16_t>(16) + large.substr(4, 16);
  CHECK(error_of(zip_text({item})) == "(no exception)");
  item.local_extra[4] = 5;
  CHECK(error_of(zip_text({item})) ==
        "a.pth: zip entry 'a': has 4 bytes in the table, but 5 where it begins");
  item.extra = "";
  CHECK(error_of(zip_text({item})) == "a.pth: zip entry 'a': its 64-bit sizes are missing");
}

TEST_CASE("archives with a broken end are refused") {
  const std::string good = zip_text({{"a", "x"}});
  const std::size_t end = good.size() - 22;
  const std::size_t table = good.find("PK\1\2");
  const std::string front = good.substr(0, end);
  CHECK(error_of("") == "a.pth: zip: has 0 bytes, the end record alone 22");
  CHECK(error_of(good.substr(1)) ==
        "a.pth: zip: the table of 47 bytes at byte 32 does not end where the end record begins, at "
        "byte 78");
  CHECK(error_of(good + "x") ==
        "a.pth: zip: no end record: the file is cut off or something follows it");
  CHECK(error_of(zip_text({{"a", "x"}}, {.disk = 1})) ==
        "a.pth: zip: the archive is split over several files");
  CHECK(error_of(zip_text({{"a", "x"}}, {.entries_shift = 1})) ==
        "a.pth: zip: 2 entries do not fit a table of 47 bytes");
  CHECK(error_of(zip_text({{"a", "x"}}, {.entries_shift = 0xFFFF})) ==
        "a.pth: zip: 47 bytes of the table belong to no entry");
  CHECK(error_of(zip_text({{"a", "x"}}, {.entries_shift = 0xFFFE})) ==
        "a.pth: zip: the 64-bit end record is missing");
  CHECK(error_of(zip_text({{"a", "x"}}, {.table_size_shift = 0xFFFFFFFF - 46})) ==
        "a.pth: zip: the table of 0 bytes at byte 32 does not end where the end record begins, at "
        "byte 79");
  CHECK(error_of(zip_text({{"a", "x"}}, {.table_offset_shift = 1'000'000})) ==
        "a.pth: zip: the table of 47 bytes at byte 1000032 does not end where the end record "
        "begins, at byte 79");
  CHECK(error_of(zip_text({{"a", "x"}}, {.after_table = "junk"})) ==
        "a.pth: zip: the table of 47 bytes at byte 32 does not end where the end record begins, at "
        "byte 83");
  // 64-bit
  CHECK(error_of(front + end_64(table, end - table, 1, end + 1)) ==
        "a.pth: zip: the 64-bit end record is not where its locator says");
  CHECK(error_of(front + end_64(table, end - table, 1, end, 7)) ==
        "a.pth: zip: the two end records disagree");
  CHECK(error_of(front + end_64(table, end - table, ~std::uint64_t{0}, end)) ==
        "a.pth: zip: 18446744073709551615 entries are more than the limit of 131072");
  CHECK(error_of(front + end_64(table, end - table, 131'072, end)) ==
        "a.pth: zip: 131072 entries do not fit a table of 47 bytes");
  CHECK(error_of(front + end_64(~std::uint64_t{0}, 8, 1, end)) ==
        "a.pth: zip: the table of 8 bytes at byte 18446744073709551615 does not end where the end "
        "record begins, at byte 79");
}

TEST_CASE("entries that are not plainly stored are refused") {
  const auto error = [](ZipItem item) { return error_of(zip_text({std::move(item)})); };
  CHECK(error({"a", "x", 0, 8}) ==
        "a.pth: zip entry 'a': is compressed (method 8), which torch.save never does");
  CHECK(error({"a", "x", 1}) == "a.pth: zip entry 'a': is encrypted");
  CHECK(error({"a", "x", 0x2000}) == "a.pth: zip entry 'a': is encrypted");
  CHECK(error({"a", "x", 0x0020}) == "a.pth: zip entry 'a': unknown flags 32");
  ZipItem item{"a", "x"};
  item.disk = 1;
  CHECK(error(item) == "a.pth: zip entry 'a': lies in another file");
  item = {"a", "x"};
  item.packed_size = 2;
  CHECK(error(item) == "a.pth: zip entry 'a': is stored, but its sizes 2 and 1 differ");
}

TEST_CASE("entries that differ from the table are refused") {
  const auto error = [](ZipItem item) { return error_of(zip_text({std::move(item)})); };
  ZipItem item{"a", "xyz"};
  item.local_name = "b";
  CHECK(error(item) == "a.pth: zip entry 'a': is called 'b' where it begins");
  item = {"a", "xyz"};
  item.local_method = 8;
  CHECK(error(item) == "a.pth: zip entry 'a': flags or method differ where it begins");
  item = {"a", "xyz"};
  item.local_flags = 8;
  CHECK(error(item) == "a.pth: zip entry 'a': flags or method differ where it begins");
  item = {"a", "xyz"};
  item.local_size = 2;
  CHECK(error(item) == "a.pth: zip entry 'a': has 3 bytes in the table, but 2 where it begins");
  item = {"a", "xyz"};
  item.local_size = 0;
  CHECK(error(item) == "a.pth: zip entry 'a': has 3 bytes in the table, but 0 where it begins");
}

TEST_CASE("entries outside of the archive are refused") {
  const auto error = [](ZipItem item) { return error_of(zip_text({std::move(item)})); };
  ZipItem item{"a", "xyz"};
  item.offset_shift = 1'000'000'000;
  CHECK(error(item) ==
        "a.pth: zip entry 'a': begins at byte 1000000000, but the entries end at byte 34");
  item.offset_shift = 5;
  CHECK(error(item) == "a.pth: zip entry 'a': begins at byte 5, but the entries end at byte 34");
  item.offset_shift = 4;
  CHECK(error(item) == "a.pth: zip entry 'a': no entry begins at byte 4");
  item = {"a", "xyz"};
  item.size = item.packed_size = item.local_size = 4;
  CHECK(error(item) ==
        "a.pth: zip entry 'a': 4 bytes from byte 0 on run into the table at byte 34");
  item.size = item.packed_size = item.local_size = 0xFFFFFFFE;
  CHECK(error(item) ==
        "a.pth: zip entry 'a': 4294967294 bytes from byte 0 on run into the table at byte 34");
}

TEST_CASE("overlapping entries are refused") {
  ZipItem first{"a", "0123"};
  const std::string inner = zip_text({{"b", "x"}});
  first.data = inner.substr(0, inner.find("PK\1\2"));
  first.size = first.packed_size = first.local_size = static_cast<std::uint32_t>(first.data.size());
  ZipItem second{"b", "x"};
  second.offset_shift = 0u - static_cast<std::uint32_t>(first.data.size());  // the one inside a
  CHECK(error_of(zip_text({first, second})) == "a.pth: zip entry 'b': overlaps entry 'a'");
  CHECK(error_of(zip_text({{"a", "x"}, {"a", "x"}})) == "a.pth: zip entry 'a': occurs twice");
}

TEST_CASE("names that are paths out of the archive are refused") {
  const auto error = [](const std::string& name) { return error_of(zip_text({{name, "x"}})); };
  CHECK(error("") == "a.pth: zip: an entry has no name");
  CHECK(error("/etc/passwd") == "a.pth: zip entry '/etc/passwd': name is an absolute path");
  CHECK(error("C:x") == "a.pth: zip entry 'C:x': name is an absolute path");
  CHECK(error("a\\b") == "a.pth: zip entry 'a\\b': name holds a backslash or a zero byte");
  CHECK(error(std::string("a\0b", 3)) ==
        "a.pth: zip entry 'a.b': name holds a backslash or a zero byte");
  CHECK(error("../a") == "a.pth: zip entry '../a': name leads out of the archive");
  CHECK(error("a/../b") == "a.pth: zip entry 'a/../b': name leads out of the archive");
  CHECK(error("a/..") == "a.pth: zip entry 'a/..': name leads out of the archive");
  CHECK(error("a/..b/...") == "(no exception)");
  CHECK(error(std::string(1025, 'n')) == "a.pth: zip entry '" + std::string(80, 'n') +
                                             "...': name of 1025 bytes is above the limit of 1024");
}

TEST_CASE("broken extra data is refused") {
  const auto error = [](const std::string& extra, const std::string& local) {
    ZipItem item{"a", "x"};
    item.extra = extra;
    item.local_extra = local;
    return error_of(zip_text({item}));
  };
  const std::string empty_64 = number_bytes<std::uint32_t>(1);
  CHECK(error("FB", "") == "a.pth: zip entry 'a': extra data is cut off");
  CHECK(error("", "FB\5") == "a.pth: zip entry 'a': extra data is cut off");
  CHECK(error("FB" + number_bytes<std::uint16_t>(9) + "x", "") ==
        "a.pth: zip entry 'a': extra data is cut off");
  CHECK(error(empty_64 + empty_64, "") == "a.pth: zip entry 'a': extra data holds a field twice");
  CHECK(error(empty_64, empty_64) == "(no exception)");
}

TEST_CASE("the CRC is compared on request") {
  ZipItem item{"a", "x"};
  item.crc = 7;
  CHECK(error_of(zip_text({item})) == "(no exception)");
  CHECK(error_of(zip_text({item}), {.check_crc = true}) ==
        "a.pth: zip entry 'a': CRC-32 does not match");
}

TEST_CASE("broken tables are refused") {
  std::string archive = zip_text({{"a", "x"}});
  const std::size_t table = archive.find("PK\1\2");
  std::string broken = archive;
  broken[table + 2] = 9;
  CHECK(error_of(broken) == "a.pth: zip: record 0 of the table is broken");
  broken = archive;
  broken[table + 28] = 2;  // length of the name
  CHECK(error_of(broken) == "a.pth: zip: record 0 of the table runs out of it");
  broken = archive;
  broken[table + 28] = 0;
  CHECK(error_of(broken) == "a.pth: zip: an entry has no name");
}

TEST_CASE("an archive of torch cut off at any byte is refused and named") {
  const std::vector<std::byte> whole = read_file(golden / "torch/mae.pth", 1 << 20);
  int accepted = 0;
  int unnamed = 0;
  for (std::size_t size = 0; size < whole.size(); ++size) {
    const std::string message =
        file_error([&] { const ZipDirectory zip{std::span(whole).first(size), "cut.pth"}; });
    accepted += message == "(no exception)" ? 1 : 0;
    unnamed += message.starts_with("cut.pth: zip") ? 0 : 1;
  }
  CHECK(accepted == 0);
  CHECK(unnamed == 0);
  CHECK(ZipDirectory(whole, "mae.pth", {.check_crc = true}).entries().size() == 22);
}

}  // namespace tessera::io::test
