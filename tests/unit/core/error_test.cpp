#include "tessera/core/error.hpp"

#include <limits>
#include <string>

#include "support/catch.hpp"
#include "support/throws.hpp"

namespace tessera {

using test::error_of;

namespace color {

struct Color {
  int red;
};

void append_text(std::string& text, const Color& color) {
  text += "red " + std::to_string(color.red);
}

}  // namespace color

TEST_CASE("text_of joins strings, numbers and shapes") {
  const std::string name = "gamma";
  CHECK(text_of() == "");
  CHECK(text_of("x", name, std::string_view("y")) == "xgammay");
  CHECK(text_of(-3, " ", std::size_t{7}, " ", Index{1} << 40) == "-3 7 1099511627776");
  CHECK(text_of(Shape<2>{2, 3}, Shape<0>{}) == "[2, 3][]");
  const Shape<2> shape{4, 5};
  CHECK(text_of(std::span<const Index>(shape)) == "[4, 5]");
}

TEST_CASE("an element of a list is written with its place") {
  CHECK(text_of(ArgumentName("masks", 12), "!") == "masks[12]!");
}

TEST_CASE("text_of writes floating point with six digits, whatever the locale") {
  CHECK(text_of(0.5) == "0.5");
  CHECK(text_of(0.1F) == "0.1");
  CHECK(text_of(1e-6) == "1e-06");
  CHECK(text_of(1.0 / 3.0) == "0.333333");
  CHECK(text_of(-2.0) == "-2");
  CHECK(text_of(std::numeric_limits<double>::quiet_NaN()) == "nan");
  CHECK(text_of(-std::numeric_limits<float>::infinity()) == "-inf");
}

TEST_CASE("a type of one's own takes part through its own append_text") {
  CHECK(text_of("shade: ", color::Color{9}) == "shade: red 9");
}

TEST_CASE("refuse throws invalid_argument with the operation's name in front") {
  CHECK(error_of([] { refuse("add", "a ", Shape<1>{2}, " has ", 3); }) == "add: a [2] has 3");
  CHECK(error_of([] { refuse("add"); }) == "add: ");
}

}  // namespace tessera
