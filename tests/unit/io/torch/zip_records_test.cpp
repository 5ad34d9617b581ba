#include "tessera/io/torch/zip_records.hpp"

#include "support/catch.hpp"
#include "support/io/zip.hpp"

namespace tessera::io::test {

TEST_CASE("the end record says where the table is, whatever comment follows") {
  for (const std::string& comment : {std::string(), std::string("note"), std::string(70, 'x')}) {
    const std::string text =
        zip_text({{.name = "a", .data = "12"}, {.name = "b", .data = "3"}}, {.comment = comment});
    const std::vector<std::byte> bytes = bytes_of(text);
    const detail::ZipTable table = detail::find_zip_table({bytes, "a.zip"});
    CHECK(table.entries == 2);
    CHECK(table.offset == text.find("PK\1\2"));
    CHECK(table.offset + table.size == text.find("PK\5\6"));
  }
}

TEST_CASE("names that lead out of an archive are refused") {
  const detail::ZipArchive archive{{}, "a.zip"};
  const auto error = [&](std::string_view name) {
    return file_error([&] { detail::check_zip_name(archive, name); });
  };
  CHECK(error("a/b..c/d") == "(no exception)");
  CHECK(error("a/../b") == "a.zip: zip entry 'a/../b': name leads out of the archive");
  CHECK(error("/a") == "a.zip: zip entry '/a': name is an absolute path");
  CHECK(error("C:a") == "a.zip: zip entry 'C:a': name is an absolute path");
  CHECK(error("") == "a.zip: zip: an entry has no name");
}

}  // namespace tessera::io::test
