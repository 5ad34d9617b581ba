#include "tessera/io/safetensors/format.hpp"

#include "support/catch.hpp"

namespace tessera::io::test {

TEST_CASE("byte_count multiplies without overflow, and a size of 0 hides none") {
  const auto count = [](std::vector<Index> shape, Dtype dtype) {
    return detail::byte_count(shape, dtype);
  };
  constexpr Index large = Index{1} << 40;
  CHECK(count({}, Dtype::f64) == 8);
  CHECK(count({2, 3}, Dtype::bf16) == 12);
  CHECK(count({2, 0, 3}, Dtype::f32) == 0);
  CHECK(count({large, large}, Dtype::u8) == std::nullopt);
  CHECK(count({0, large, large}, Dtype::u8) == std::nullopt);
}

TEST_CASE("name_text shows a name on one line of bounded length") {
  CHECK(detail::name_text("blocks.0") == "'blocks.0'");
  CHECK(detail::name_text("a\nb\x7F") == "'a.b.'");
  CHECK(detail::name_text(std::string(90, 'x')) == "'" + std::string(80, 'x') + "...'");
}

TEST_CASE("an entry counts its elements by its bytes") {
  CHECK(SafetensorsEntry{"x", Dtype::f16, {2, 3}, 4, 16}.element_count() == 6);
}

}  // namespace tessera::io::test
