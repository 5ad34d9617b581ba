#include "tessera/io/naming/model_kind.hpp"

#include "support/catch.hpp"

namespace tessera::io::test {

TEST_CASE("every kind of checkpoint has its name") {
  CHECK(kind_name(ModelKind::encoder) == "encoder");
  CHECK(kind_name(ModelKind::mae) == "mae");
  CHECK(kind_name(ModelKind::ijepa) == "ijepa");
  CHECK(kind_name(ModelKind::decoder) == "decoder");
  CHECK(kind_name(ModelKind::predictor) == "predictor");
  CHECK(kind_name(ModelKind::other) == "other");
}

}  // namespace tessera::io::test
