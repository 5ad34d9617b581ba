#include "tessera/io/torch/value_text.hpp"

#include "support/catch.hpp"

namespace tessera::io::test {

TEST_CASE("plain values and lists of them are text, other values are none") {
  PickleDocument document;
  document.globals.push_back({"torch", "float8_e4m3fn"});
  document.globals.push_back({"a\xFF", "b"});
  document.values = {std::int64_t{-5},
                     2.0,
                     std::string_view("a"),
                     PickleNone{},
                     PickleTuple{{0, 1, 2}},
                     PickleGlobalRef{0},
                     PickleGlobalRef{1},
                     PickleList{{4}},
                     true};
  using detail::value_text;
  CHECK(value_text(document, 0, 100) == "-5");
  CHECK(value_text(document, 1, 100) == "2.0");
  CHECK(value_text(document, 3, 100) == "None");
  CHECK(value_text(document, 4, 100) == "[-5, 2.0, a]");
  CHECK(value_text(document, 5, 100) == "torch.float8_e4m3fn");
  CHECK(value_text(document, 6, 100) == std::nullopt);  // no UTF-8
  CHECK(value_text(document, 7, 100) == std::nullopt);  // a list of lists
  CHECK(value_text(document, 8, 100) == "True");
  CHECK(value_text(document, 4, 2) == "[-5]");  // longer than 2 bytes: ends early
  CHECK(detail::key_text(document, 2) == "a");
  CHECK(detail::key_text(document, 0) == "-5");
  CHECK(detail::key_text(document, 3) == std::nullopt);
}

}  // namespace tessera::io::test
