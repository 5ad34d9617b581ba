#include "tessera/data/image_names.hpp"

#include "support/catch.hpp"

namespace tessera::data::detail::test {

TEST_CASE("pictures are known by their ending, in small or capital letters") {
  for (const char* name : {"a.jpg", "a.JPEG", "b/c.PnG", "a.b.webp", ".jpg"})
    CHECK(is_image_name(name));
  for (const char* name : {"jpg", "a.txt", "a.jpg.txt", "a.", "", "a.gif"}) {
    CHECK_FALSE(is_image_name(name));
  }
}

}  // namespace tessera::data::detail::test
