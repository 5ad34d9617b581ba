#include "tessera/io/weights/load_report.hpp"

#include "support/catch.hpp"

namespace tessera::io::test {

TEST_CASE("a report says in one line what happened") {
  LoadReport report;
  report.naming = "timm";
  report.loaded = {"a", "b", "c"};
  CHECK(report.summary() == "timm: 3 tensors loaded");
  report.converted = {"a"};
  report.resized = {"b"};
  report.kept = {"mask_token"};
  report.heads = {"head.weight", "head.bias"};
  report.skipped = {"decoder.x"};
  CHECK(report.summary() ==
        "timm: 3 tensors loaded, 1 converted, 1 resized, 1 kept, 2 of a head left out, 1 skipped");
}

TEST_CASE("a complaint names the first three of each fault") {
  LoadReport report;
  CHECK_FALSE(detail::objections(report, false, false).has_value());
  report.missing = {"a", "b", "c", "d", "e"};
  report.unexpected = {"x"};
  report.wrong_shape = {"w is [1] in the file, [2] in the model"};
  CHECK(detail::objections(report, false, false) ==
        "missing a, b, c and 2 more; wrong shape: w is [1] in the file, [2] in the model; "
        "unexpected x");
  CHECK(detail::objections(report, true, false) ==
        "wrong shape: w is [1] in the file, [2] in the model; unexpected x");
}

}  // namespace tessera::io::test
