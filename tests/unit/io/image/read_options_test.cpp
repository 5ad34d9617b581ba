#include "tessera/io/image/read_options.hpp"

#include "support/catch.hpp"

namespace tessera::io::test {

TEST_CASE("read options: by default a picture is read as stored, and strictly") {
  const ReadOptions options;
  CHECK(options.max_pixels == 178'956'970);
  CHECK(options.orientation == Orientation::as_stored);
  CHECK(options.strictness == Strictness::strict);
  CHECK(options.deep_gray == DeepGray::upper_byte);
}

}  // namespace tessera::io::test
