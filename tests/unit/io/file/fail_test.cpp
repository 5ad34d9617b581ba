#include "tessera/io/file/fail.hpp"

#include <string>

#include "support/catch.hpp"
#include "support/throws.hpp"

namespace tessera::io::test {

TEST_CASE("an error about a file begins with the file") {
  const std::string name = "weights.pth";
  CHECK_THROWS_AS(refuse_file(name, "is empty"), std::runtime_error);
  CHECK_THROWS_WITH(refuse_file(name, "has ", 3, " bytes of shape ", Shape<2>{1, 2}),
                    "weights.pth: has 3 bytes of shape [1, 2]");
}

}  // namespace tessera::io::test
