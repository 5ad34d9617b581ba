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

TEST_CASE("concat joins strings, numbers and shapes") {
  const std::string name = "gamma";
  CHECK(concat() == "");
  CHECK(concat("x", name, std::string_view("y")) == "xgammay");
  CHECK(concat(-3, " ", std::size_t{7}, " ", Index{1} << 40) == "-3 7 1099511627776");
  CHECK(concat(Shape<2>{2, 3}, Shape<0>{}) == "[2, 3][]");
  const Shape<2> shape{4, 5};
  CHECK(concat(std::span<const Index>(shape)) == "[4, 5]");
}

TEST_CASE("an element of a list is written with its place") {
  CHECK(concat(ArgumentName("masks", 12), "!") == "masks[12]!");
}

TEST_CASE("concat writes floating point with six digits, whatever the locale") {
  CHECK(concat(0.5) == "0.5");
  CHECK(concat(0.1F) == "0.1");
  CHECK(concat(1e-6) == "1e-06");
  CHECK(concat(1.0 / 3.0) == "0.333333");
  CHECK(concat(-2.0) == "-2");
  CHECK(concat(std::numeric_limits<double>::quiet_NaN()) == "nan");
  CHECK(concat(-std::numeric_limits<float>::infinity()) == "-inf");
}

TEST_CASE("a type of one's own takes part through its own append_text") {
  CHECK(concat("shade: ", color::Color{9}) == "shade: red 9");
}

TEST_CASE("refuse throws invalid_argument with the operation's name in front") {
  CHECK(error_of([] { refuse("add", "a ", Shape<1>{2}, " has ", 3); }) == "add: a [2] has 3");
  CHECK(error_of([] { refuse("add"); }) == "add: ");
}

}  // namespace tessera
