#include "tessera/data/image_source.hpp"

#include "support/catch.hpp"
#include "support/data/little_sources.hpp"

namespace tessera::data::test {

TEST_CASE("a source of one's own is a class of six functions") {
  const NumberSource numbers(3);
  const ImageSource& source = numbers;
  CHECK(source.size() == 3);
  CHECK((source.image(2) == source.image(2)));
  CHECK(source.image(1).shape() == Shape<3>{12, 10, 3});
  CHECK(source.label(1) == 1);
  CHECK(source.name(2) == "number 2");
  CHECK(source.classes().size() == 2);
  CHECK(source.fingerprint().count == 3);
}

}  // namespace tessera::data::test
