#include "tessera/data/gzip.hpp"

#include <string>

#include "support/catch.hpp"
#include "support/data/gzip.hpp"
#include "support/io/files.hpp"

namespace tessera::data::detail::test {

using data::test::gzip;
using io::test::bytes_of;
using io::test::file_error;

TEST_CASE("gzip streams are unpacked") {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, std::size_t{3'000'000}}) {
    std::vector<std::byte> contents(size);
    for (std::size_t i = 0; i < size; ++i) contents[i] = static_cast<std::byte>(i * i >> 7);
    const std::vector<std::byte> packed = gzip(contents);
    CHECK(is_gzip(packed));
    CHECK(gunzip(packed, "f", size) == contents);
  }
  CHECK_FALSE(is_gzip(bytes_of("P")));
}

TEST_CASE("damaged, short and oversized gzip streams are refused") {
  const std::vector<std::byte> packed = gzip(std::vector<std::byte>(10'000, std::byte{7}));
  CHECK(file_error([&] { gunzip(packed, "f", 9'999); }) == "f: unpacks to more than 9999 bytes");
  for (std::size_t size = 2; size < packed.size(); size += 3) {
    CHECK(file_error([&] { gunzip(std::span(packed).first(size), "f", 10'000); }) ==
          "f: ends within its gzip stream");
  }
  std::vector<std::byte> damaged = packed;
  damaged[damaged.size() - 6] ^= std::byte{1};  // its checksum
  CHECK(file_error([&] { gunzip(damaged, "f", 10'000); }) == "f: has a damaged gzip stream");
  CHECK(file_error([] { gunzip(bytes_of("no gzip at all"), "f", 99); }) ==
        "f: has a damaged gzip stream");
}

}  // namespace tessera::data::detail::test
