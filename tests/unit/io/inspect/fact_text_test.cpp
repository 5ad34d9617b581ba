#include "tessera/io/inspect/fact_text.hpp"

#include "support/catch.hpp"

namespace tessera::io::test {

TEST_CASE("large counts are also given in millions") {
  CHECK(detail::million_text(999'999) == "999999");
  CHECK(detail::million_text(632'405'248) == "632405248 (632.4 million)");
}

TEST_CASE("a fact is told with its origin, or with the option that gives it") {
  CHECK(detail::known_text(Known<Index>{12, Origin::published_size}, "num_heads") ==
        "12 (published size)");
  CHECK(detail::known_text(Known<bool>{false, Origin::args}, "norm_pix_loss") == "no (args)");
  CHECK(detail::known_text(Known<double>{}, "layer_norm_eps") ==
        "not told by the file: give layer_norm_eps");
}

}  // namespace tessera::io::test
