#include "tessera/io/torch/pickle_cursor.hpp"

#include "support/catch.hpp"
#include "support/io/pickle.hpp"

namespace tessera::io::test {

TEST_CASE("a cursor takes what is there and refuses what is not") {
  const std::string label = "a.pth";
  const detail::PickleStack stack(label);
  const std::vector<std::byte> bytes = bytes_of(
      "\x05"
      "ab\nrest");
  detail::PickleCursor cursor(bytes, stack);
  CHECK(cursor.number<std::uint8_t>() == 5);
  CHECK(cursor.line() == "ab");
  CHECK(cursor.position() == 4);
  CHECK(cursor.take(2) == "re");
  CHECK(cursor.left() == 2);
  CHECK(file_error([&] { cursor.take(3); }) ==
        "a.pth: pickle byte 0: needs 3 bytes, but the pickle ends after 2");
  CHECK(file_error([&] { cursor.line(); }) ==
        "a.pth: pickle byte 0: a name has no end within its limit");
}

TEST_CASE("numbers of a pickle are little-endian, and its reals big-endian") {
  using detail::PickleCursor;
  CHECK(PickleCursor::integer("") == 0);
  CHECK(PickleCursor::integer("\xFF") == -1);
  CHECK(PickleCursor::integer(std::string_view("\xFF\x00", 2)) == 255);
  CHECK(PickleCursor::integer(std::string_view("\0\0\0\0\0\0\0\x80", 8)) ==
        std::numeric_limits<std::int64_t>::min());
  const std::string label = "a.pth";
  const detail::PickleStack stack(label);
  const std::vector<std::byte> bytes = bytes_of(std::string_view("\x40\x09\0\0\0\0\0\0", 8));
  CHECK(PickleCursor(bytes, stack).real() == 3.125);
}

}  // namespace tessera::io::test
