#include "tessera/data/idx_source.hpp"

#include <string>
#include <vector>

#include "support/catch.hpp"
#include "support/data/gzip.hpp"
#include "support/io/files.hpp"

namespace tessera::data::test {

using io::test::file_error;
using io::test::ScratchFolder;

namespace {

std::vector<std::byte> idx(std::vector<std::uint8_t> type, const std::vector<std::uint32_t>& sizes,
                           const std::vector<std::uint8_t>& values) {
  type.push_back(static_cast<std::uint8_t>(sizes.size()));
  for (const std::uint32_t size : sizes) {
    for (const int shift : {24, 16, 8, 0}) type.push_back(static_cast<std::uint8_t>(size >> shift));
  }
  type.insert(type.end(), values.begin(), values.end());
  const auto bytes = std::as_bytes(std::span(type));
  return {bytes.begin(), bytes.end()};
}

const std::vector<std::uint8_t> bytes_type{0, 0, 8};

}  // namespace

TEST_CASE("pictures and labels in MNIST's format, packed or not") {
  const ScratchFolder folder;
  const std::vector<std::byte> images =
      idx(bytes_type, {2, 2, 3}, {0, 1, 2, 3, 4, 5, 50, 51, 52, 53, 54, 55});
  const std::vector<std::byte> labels = idx(bytes_type, {2}, {2, 0});
  io::write_file(folder / "images", images);
  io::write_file(folder / "labels", labels);
  io::write_file(folder / "images.gz", gzip(images));
  io::write_file(folder / "labels.gz", gzip(labels));

  const IdxSource source(folder / "images", folder / "labels");
  REQUIRE(source.size() == 2);
  CHECK((source.image(1) == io::Image({2, 3, 3}, {50, 50, 50, 51, 51, 51, 52, 52, 52, 53, 53, 53,
                                                  54, 54, 54, 55, 55, 55})));
  CHECK(source.label(0) == 2);
  CHECK(source.label(1) == 0);
  CHECK(source.name(1) == "picture 1");
  CHECK(source.classes() == std::vector<std::string>{"0", "1", "2"});

  const IdxSource packed(folder / "images.gz", folder / "labels.gz");
  CHECK((packed.image(1) == source.image(1)));
  CHECK(packed.fingerprint() == source.fingerprint());

  const IdxSource unlabeled(folder / "images");
  CHECK(unlabeled.label(0) == no_label);
  CHECK(unlabeled.classes().empty());
  CHECK(unlabeled.fingerprint() != source.fingerprint());

  const IdxSource copy = source;  // a plain value
  CHECK((copy.image(0) == source.image(0)));
  CHECK(copy.label(0) == 2);
}

TEST_CASE("IDX files that are not what they say are refused") {
  const ScratchFolder folder;
  const auto path = folder / "f";
  const auto error = [&](const std::vector<std::byte>& bytes) {
    io::write_file(path, bytes);
    const std::string text = file_error([&] { IdxSource source(path); });
    REQUIRE(text.starts_with(path.string() + ": "));
    return text.substr(path.string().size() + 2);
  };
  CHECK(error({}) == "is no IDX file");
  CHECK(error(io::test::bytes_of("PK and more than sixteen bytes")) == "is no IDX file");
  CHECK(error(idx({0, 0, 13}, {1, 1, 1}, {0, 0, 0, 0})) ==
        "holds values of IDX type 13, not bytes (8)");
  CHECK(error(idx(bytes_type, {16}, std::vector<std::uint8_t>(16))) == "has 1 dimensions, not 3");
  CHECK(error(idx(bytes_type, {1, 0, 1}, {})) == "dimension 1 is empty");
  CHECK(error(idx(bytes_type, {1, 2, 2}, {1, 2, 3})) == "holds 3 values, but its header says 4");
  CHECK(error(idx(bytes_type, {1, 2, 2}, {1, 2, 3, 4, 5})) ==
        "holds 5 values, but its header says 4");
  // Sizes whose product is 65536 once it has passed 2^64.
  CHECK(error(idx(bytes_type, {2147516416, 2, 4294901761}, std::vector<std::uint8_t>(65536)))
            .starts_with("has more than "));
  CHECK(error(idx(bytes_type, {0xffffffff, 0xffffffff, 0xffffffff}, {1}))
            .starts_with("has more than "));

  io::write_file(path, idx(bytes_type, {2, 1, 1}, {1, 2}));
  io::write_file(folder / "labels", idx(bytes_type, {3}, {1, 2, 3}));
  CHECK(file_error([&] { IdxSource source(path, folder / "labels"); }) ==
        (folder / "labels").string() + ": has 3 labels for the 2 pictures of " + path.string());
}

}  // namespace tessera::data::test
