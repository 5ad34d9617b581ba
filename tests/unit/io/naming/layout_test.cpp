#include "tessera/io/naming/layout.hpp"

#include "support/catch.hpp"
#include "tessera/io/naming/tables.hpp"

namespace tessera::io::test {

TEST_CASE("layouts: each is one of all, and a set knows its own") {
  constexpr LayoutSet encoders{Layout::plain, Layout::scaled};
  Index contained = 0;
  for (const Layout layout : all_layouts) contained += encoders.contains(layout);
  CHECK(contained == 2);
  CHECK(encoders.contains(Layout::scaled));
  CHECK_FALSE(encoders.contains(Layout::gated));
  CHECK_FALSE(encoders.empty());
  CHECK(LayoutSet{}.empty());
}

}  // namespace tessera::io::test
