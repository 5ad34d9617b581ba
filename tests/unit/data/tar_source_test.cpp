#include "tessera/data/tar_source.hpp"

#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/data/tar.hpp"
#include "support/io/files.hpp"
#include "support/throws.hpp"
#include "tessera/io/image.hpp"

namespace tessera::data::test {

using io::test::file_error;
using io::test::ScratchFolder;

namespace {

std::string png(std::uint8_t gray) {
  const std::vector<std::byte> bytes = io::encode_png(io::Image({1, 1, 3}, gray));
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

void write(const std::filesystem::path& path, const TarWriter& tar) {
  const std::string bytes = tar.finished();
  io::write_file(path, std::as_bytes(std::span(bytes)));
}

}  // namespace

TEST_CASE("samples are neighbors with one key, over several archives") {
  const ScratchFolder folder;
  write(folder / "0.tar", TarWriter()
                              .add("n/1.png", png(1))
                              .add("n/1.cls", "3\n")
                              .add("n/1.seg.json", "{}")
                              .add("n/2.cls", "0")
                              .add("n/2.PNG", png(2))
                              .add("README", "no sample"));
  write(folder / "1.tar", TarWriter().add("m.3.jpg", png(3)).add("m.cls", "1"));
  const TarSource source({folder / "0.tar", folder / "1.tar"});
  REQUIRE(source.size() == 3);
  CHECK(source.name(0) == "n/1");
  CHECK(source.name(2) == "m");
  CHECK(source.label(0) == 3);
  CHECK(source.label(1) == 0);
  CHECK(source.classes() == std::vector<std::string>{"0", "1", "2", "3"});
  for (Index i = 0; i < 3; ++i) {
    CHECK((source.image(i) == io::Image({1, 1, 3}, static_cast<std::uint8_t>(i + 1))));
  }
  CHECK(source.fingerprint() == TarSource({folder / "0.tar", folder / "1.tar"}).fingerprint());
  CHECK(source.fingerprint() != TarSource({folder / "1.tar", folder / "0.tar"}).fingerprint());

  write(folder / "1.tar", TarWriter().add("m.png", png(3)));
  CHECK(file_error([&] {
          source.image(2);
        }).ends_with("1.tar: is not the file that was indexed: it was replaced or resized"));
}

TEST_CASE("samples that are not whole are refused") {
  const ScratchFolder folder;
  const auto error = [&](const TarWriter& tar) {
    write(folder / "a.tar", tar);
    const std::string text = file_error([&] { TarSource({folder / "a.tar"}); });
    const std::string label = (folder / "a.tar").string() + ": ";
    REQUIRE(text.starts_with(label));
    return text.substr(label.size());
  };
  const std::string picture = png(1);
  CHECK(error(TarWriter()) == "holds no sample");
  CHECK(error(TarWriter().add("README", "x").add(".hidden.png", picture)) == "holds no sample");
  CHECK(error(TarWriter().add("a.txt", "x").add("b.png", picture)) == "sample a has no picture");
  CHECK(error(TarWriter().add("b.png", picture).add("a.txt", "x")) == "sample a has no picture");
  CHECK(error(TarWriter().add("a.png", picture).add("a.jpg", picture)) ==
        "sample a has two pictures");
  CHECK(error(TarWriter().add("a.png", picture).add("b.png", picture).add("a.cls", "1")) ==
        "the key a appears twice");
  CHECK(error(TarWriter().add("a.png", picture).add("a.txt", "").add("a.txt", "")) ==
        "the member a.txt appears twice");
  CHECK(error(TarWriter().add("a.png", "")) == "member a.png of 0 bytes is no picture");
  for (const std::string label : {"", "x", "-1", "1.5", "1000000", "99999999999999999999"}) {
    CHECK(error(TarWriter().add("a.png", picture).add("a.cls", label)) ==
          "member a.cls is no label from 0 to 999999");
  }
  CHECK(error(TarWriter().add("a.png", picture).add("a.cls", "1").add("b.png", picture)) ==
        "sample b has no label, but a has one");
  CHECK(error(TarWriter().add("a.png", picture).add("b.png", picture).add("b.cls", "1")) ==
        "sample b has a label, but a has none");
  CHECK(tessera::test::error_of([] { TarSource({}); }) == "TarSource: no archives");
}

}  // namespace tessera::data::test
