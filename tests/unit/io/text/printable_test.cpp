#include "tessera/io/text/printable.hpp"

#include "support/catch.hpp"

namespace tessera::io::test {

TEST_CASE("text of a file is shown without control characters, and cut between characters") {
  CHECK(printable("blocks.0") == "blocks.0");
  CHECK(printable("a\x1b[31mb\r\n\x7f") == "a.[31mb...");
  CHECK(printable("a\xC2\x9B"
                  "31mb") == "a.31mb");        // U+009B begins a command as ESC [ does
  CHECK(printable("\xC3\x9B") == "\xC3\x9B");  // U+00DB does not
  CHECK(printable(std::string(80, 'x')) == std::string(80, 'x'));
  CHECK(printable(std::string(81, 'x')) == concat(std::string(80, 'x'), "..."));
  CHECK(printable(concat(std::string(79, 'x'), "\xC3\xA4y")) ==
        concat(std::string(79, 'x'), "..."));
  CHECK(in_quotes("x\ty") == "'x.y'");
  CHECK(listed({"a", "b", "c", "d"}) == "a, b, c and 1 more");
  CHECK(listed({"a", "b"}, 1) == "a and 1 more");
}

TEST_CASE("in_quotes shows a name on one line of bounded length") {
  CHECK(in_quotes("blocks.0") == "'blocks.0'");
  CHECK(in_quotes("a\nb\x7F") == "'a.b.'");
  CHECK(in_quotes(std::string(90, 'x')) == "'" + std::string(80, 'x') + "...'");
}

}  // namespace tessera::io::test
