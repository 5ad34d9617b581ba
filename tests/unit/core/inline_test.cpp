#include "tessera/core/inline.hpp"

#include <string_view>

#include "support/catch.hpp"

#define TESSERA_TEXT_OF(words) #words
#define TESSERA_EXPANDED(words) TESSERA_TEXT_OF(words)

namespace tessera::test {

TEST_CASE("definitions behind the public headers are inline unless a library holds them") {
  const std::string_view words = TESSERA_EXPANDED(TESSERA_INLINE);
#ifdef TESSERA_COMPILED_LIB
  CHECK(words.empty());
#else
  CHECK(words == "inline");
#endif
}

}  // namespace tessera::test
