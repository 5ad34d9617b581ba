#include "tessera/io/image/format.hpp"

#include "support/catch.hpp"
#include "support/io/files.hpp"

namespace tessera::io::test {

TEST_CASE("formats are told by their first bytes, each by a sign of its own") {
  for (const detail::FormatSign& format : detail::unread_formats) {
    CAPTURE(format.name);
    const auto bytes = bytes_of(std::string(format.offset, '-') + std::string(format.sign));
    CHECK(detail::unread_format(bytes) == format.name);
    CHECK(detail::unread_format(std::span(bytes).first(bytes.size() - 1)) != format.name);
  }
  CHECK(detail::unread_format({}) == "");
  CHECK(detail::unread_format(bytes_of("hello")) == "");
}

TEST_CASE("a WebP is a RIFF file that says so") {
  CHECK(detail::is_webp(bytes_of("RIFF....WEBPVP8 ")));
  CHECK(!detail::is_webp(bytes_of("RIFF....WAVE")));
  CHECK(!detail::is_webp(bytes_of("RIFF....WEB")));
}

}  // namespace tessera::io::test
