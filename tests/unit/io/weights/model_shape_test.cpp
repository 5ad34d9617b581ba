#include "tessera/io/weights/model_shape.hpp"

#include "support/catch.hpp"

namespace tessera::io::test {

TEST_CASE("model shape: an encoder's layout is that of its MLP, then of its LayerScale") {
  CHECK(detail::encoder_layout(false, false) == Layout::plain);
  CHECK(detail::encoder_layout(false, true) == Layout::scaled);
  CHECK(detail::encoder_layout(true, false) == Layout::gated);
  CHECK(detail::encoder_layout(true, true) == Layout::gated);
}

}  // namespace tessera::io::test
