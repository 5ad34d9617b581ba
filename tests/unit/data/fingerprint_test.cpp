#include "tessera/data/fingerprint.hpp"

#include "support/catch.hpp"

namespace tessera::data::test {

namespace {

Fingerprint fingerprint(std::string_view name, std::uint64_t size, Index label) {
  Fingerprint fingerprint;
  fingerprint.add("first", 3, 0);
  fingerprint.add(name, size, label);
  return fingerprint;
}

}  // namespace

TEST_CASE("a fingerprint tells what has changed") {
  const Fingerprint then = fingerprint("a", 11, 1);
  CHECK(difference(then, fingerprint("a", 11, 1)) == "");
  CHECK(then.count == 2);
  CHECK(then.bytes == 14);
  const std::string others =
      "the data have changed: names, sizes or labels are others, though count and bytes are equal";
  CHECK(difference(then, fingerprint("b", 11, 1)) == others);
  CHECK(difference(then, fingerprint("a", 11, 0)) == others);
  CHECK(difference(then, fingerprint("a", 12, 1)) ==
        "the data have changed: 14 bytes then, 15 now");
  Fingerprint more = then;
  more.add("c", 1, 0);
  CHECK(difference(then, more) == "the data have changed: 2 samples then, 3 now");
}

TEST_CASE("neighboring fields of a fingerprint are not mistaken for each other") {
  CHECK(fingerprint("a1", 1, 0).names != fingerprint("a", 11, 0).names);
  CHECK(fingerprint("a", 1, 11).names != fingerprint("a", 11, 1).names);
}

}  // namespace tessera::data::test
