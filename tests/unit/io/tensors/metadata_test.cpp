#include "tessera/io/tensors/metadata.hpp"

#include "support/catch.hpp"

namespace tessera::io::test {

TEST_CASE("metadata that cannot be read as what is asked for counts as none") {
  CHECK(metadata_flag({{"x", "True"}}, "x") == true);
  CHECK(metadata_flag({{"x", "0"}}, "x") == false);
  CHECK(metadata_flag({{"x", "true"}}, "x") == std::nullopt);
  CHECK(metadata_text({{"x", "a"}}, "x") == "a");
  CHECK(metadata_text({{"x", "a"}}, "y").empty());
  CHECK(metadata_number({{"x", "1.5e-3"}}, "x") == 1.5e-3);
  CHECK(metadata_number({{"x", "1.5 "}}, "x") == std::nullopt);
  CHECK(metadata_index({{"x", "24"}}, "x") == 24);
  CHECK(metadata_index({{"x", "2.5"}}, "x") == std::nullopt);
  CHECK(metadata_index({{"x", "-1"}}, "x") == std::nullopt);
  CHECK(metadata_index({{"x", "1e300"}}, "x") == std::nullopt);
  CHECK(metadata_size({{"x_height", "2"}, {"x_width", "3"}}, "x") == Size{2, 3});
  CHECK(metadata_size({{"x_height", "2"}}, "x") == std::nullopt);
}

}  // namespace tessera::io::test
