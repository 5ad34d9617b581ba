#include "tessera/data/memory_source.hpp"

#include "support/catch.hpp"
#include "support/data/little_sources.hpp"
#include "support/throws.hpp"

namespace tessera::data::test {

using tessera::test::error_of;

TEST_CASE("pictures in memory are what they were") {
  const NumberSource numbers(3);
  const MemorySource source = decoded(numbers);
  REQUIRE(source.size() == 3);
  CHECK((source.image(2) == numbers.image(2)));
  CHECK(source.name(2) == "number 2");
  CHECK(source.label(1) == 1);
  CHECK(source.classes() == numbers.classes());

  const MemorySource smaller = decoded(numbers, 5);
  CHECK((smaller.image(1) == io::resize(numbers.image(1), {6, 5}, io::Filter::bicubic)));
  CHECK((decoded(numbers, 11).image(1) == numbers.image(1)));  // never larger
}

TEST_CASE("a fingerprint knows the pixels of pictures in memory") {
  io::Image image({1, 1, 3}, {1, 2, 3});
  const MemorySource one({{image}});
  CHECK(one.name(0) == "sample 0");
  CHECK(one.label(0) == no_label);
  CHECK(one.fingerprint() == MemorySource({{image}}).fingerprint());
  image(0, 0, 2) = 4;
  CHECK(one.fingerprint() != MemorySource({{image}}).fingerprint());
}

TEST_CASE("samples that are none are refused") {
  const io::Image image({1, 1, 3}, {1, 2, 3});
  CHECK(error_of([] { MemorySource({}); }) == "MemorySource: no samples");
  CHECK(error_of([] { MemorySource({{io::Image()}}); }) ==
        "MemorySource: sample 0 has shape [0, 0, 0], but [height, width, 3] is needed, not empty");
  CHECK(error_of([&] { MemorySource({{image, 2}}, {"a", "b"}); }) ==
        "MemorySource: sample 0 has label 2, but there are 2 classes");
  CHECK(error_of([&] { MemorySource({{image, -2}}, {"a", "b"}); }) ==
        "MemorySource: sample 0 has label -2, but there are 2 classes");
  CHECK(error_of([] { decoded(NumberSource(1), -1); }) == "decoded: shorter_side = -1 is negative");
}

}  // namespace tessera::data::test
