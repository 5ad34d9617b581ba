// Every file that a real package wrote is recognized, loaded, and computes what that package does.

#include "support/catch.hpp"
#include "support/io/published_checkpoints.hpp"

namespace tessera::io::test {

TEMPLATE_TEST_CASE("files of the real packages compute what the packages do", "", float, double) {
  const std::vector<std::string> names = case_names();
  CHECK(names.size() == 49);
  for (const std::string& name : names) {
    const Case published(name);
    INFO(name);
    CHECK(PublishedCase<TestType>(published).mismatch() == "");
  }
}

}  // namespace tessera::io::test
