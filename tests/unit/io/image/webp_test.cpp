// read.hpp includes webp.hpp where libwebp is: reading is tested with it.
#ifdef TESSERA_HAS_WEBP
#include "tessera/io/image/webp.hpp"

#include "support/catch.hpp"
#include "support/heap/heap_watch.hpp"
#include "support/io/pictures.hpp"

namespace tessera::io::test {

TEST_CASE("a WebP too short for its size is refused before memory is taken") {
  auto bytes = picture_file("lossless.webp");
  // 14 bits each of width - 1 and height - 1 begin at byte 21.
  for (std::size_t i = 21; i < 24; ++i) bytes[i] = std::byte{0xFF};
  bytes[24] = std::byte{0x02};
  std::string message;
  CHECK(tessera::test::heap_growth_of([&] {
          message = file_error([&] { detail::decode_webp(bytes, "x", {}); });
        }) < 100'000);
  CHECK(message ==
        concat("x: ", bytes.size(), " bytes are too few for a WebP of 3072 x 16384 pixels"));
}

TEST_CASE("EXIF of a WebP is found wherever it stands, or not at all") {
  const auto bytes = picture_file("exif8.webp");
  CHECK(detail::exif_orientation(detail::exif_of_webp(bytes)) == 8);
  for (std::size_t size = 12; size < bytes.size(); ++size) {
    CHECK(detail::exif_of_webp(std::span(bytes).first(size)).empty());
  }
  CHECK(detail::exif_of_webp(picture_file("lossy.webp")).empty());
}

}  // namespace tessera::io::test
#endif
