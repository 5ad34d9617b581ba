#include "tessera/core/shape.hpp"

#include "support/catch.hpp"

namespace tessera {

TEST_CASE("element_count multiplies the sizes") {
  CHECK(element_count(Shape<3>{2, 3, 4}) == 24);
  CHECK(element_count(Shape<2>{5, 0}) == 0);
  CHECK(element_count(Shape<0>{}) == 1);
  static_assert(element_count(Shape<2>{6, 7}) == 42);
}

TEST_CASE("to_string writes a shape as messages show it") {
  CHECK(to_string(Shape<3>{2, 3, 4}) == "[2, 3, 4]");
  CHECK(to_string(Shape<1>{-7}) == "[-7]");
  CHECK(to_string(Shape<0>{}) == "[]");
}

}  // namespace tessera
