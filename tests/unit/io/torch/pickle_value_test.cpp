#include "tessera/io/torch/pickle_value.hpp"

#include "support/catch.hpp"

namespace tessera::io::test {

TEST_CASE("a value is four words at most") {
  CHECK(sizeof(PickleValue) <= 32);  // half a million of them must stay small
}

TEST_CASE("values are got by type and dictionaries searched by key") {
  PickleDocument document;
  document.values = {std::string_view("a"), std::int64_t{5}, std::int64_t{7},
                     PickleDict{{{1, 1}, {0, 2}}}};
  CHECK(*document.get<std::int64_t>(2) == 7);
  CHECK(document.get<bool>(2) == nullptr);
  CHECK(document.find(3, "a") == PickleId{2});
  CHECK(document.find(3, "b") == std::nullopt);
  CHECK(document.find(0, "a") == std::nullopt);
}

TEST_CASE("untyped storages are counted in bytes") {
  CHECK(PickleStorage{"0", std::nullopt, 1, 0, 1}.element_bytes() == 1);
  CHECK(PickleStorage{"0", Dtype::f64, 1, 0, 1}.element_bytes() == 8);
  CHECK(PickleStorage{"0", std::nullopt, 1, 0, 1, "ComplexFloatStorage", 8}.element_bytes() == 8);
}

}  // namespace tessera::io::test
