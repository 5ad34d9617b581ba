#include "tessera/io/text/name_text.hpp"

#include "support/catch.hpp"

namespace tessera::io::test {

TEST_CASE("text of a file is shown without control characters, and cut between characters") {
  using detail::shown;
  CHECK(shown("blocks.0") == "blocks.0");
  CHECK(shown("a\x1b[31mb\r\n\x7f") == "a.[31mb...");
  CHECK(shown("a\xC2\x9B"
              "31mb") == "a.31mb");        // U+009B begins a command as ESC [ does
  CHECK(shown("\xC3\x9B") == "\xC3\x9B");  // U+00DB does not
  CHECK(shown(std::string(80, 'x')) == std::string(80, 'x'));
  CHECK(shown(std::string(81, 'x')) == std::string(80, 'x') + "...");
  CHECK(shown(std::string(79, 'x') + "\xC3\xA4y") == std::string(79, 'x') + "...");
  CHECK(detail::name_text("x\ty") == "'x.y'");
  CHECK(detail::first_names({"a", "b", "c", "d"}) == "a, b, c and 1 more");
  CHECK(detail::first_names({"a", "b"}, 1) == "a and 1 more");
}

}  // namespace tessera::io::test
