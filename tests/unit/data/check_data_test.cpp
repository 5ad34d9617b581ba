#include "tessera/data/check_data.hpp"

#include <new>
#include <stdexcept>

#include "support/catch.hpp"
#include "support/data/little_sources.hpp"
#include "tessera/core/threads/execution.hpp"

namespace tessera::data::test {

TEST_CASE("every broken sample of a source is listed, on any number of threads", "[threads]") {
  const NumberSource source(50, [](Index index) {
    if (index == 7) throw std::runtime_error("number 7: is broken");
    if (index == 30) throw std::bad_alloc();
  });
  for (const Index threads : {1, 3}) {
    const ExecutionScope scope({.threads = threads});
    const DataReport report = check_data(source);
    CHECK(report.decoded == 48);
    CHECK(report.smallest_side == 10);
    CHECK(report.largest_side == 12);
    REQUIRE(report.broken.size() == 2);
    CHECK(report.broken[0].index == 7);
    CHECK(report.broken[0].name == "number 7");
    CHECK(report.broken[0].error == "number 7: is broken");
    CHECK(report.broken[1].error == "number 30: there is not enough memory for this picture");
  }
}

}  // namespace tessera::data::test
