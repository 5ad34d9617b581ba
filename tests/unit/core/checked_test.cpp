#include "tessera/core/checked.hpp"

#include "support/catch.hpp"

TEST_CASE("the tests are a checked build") { CHECK(tessera::checked_build); }
