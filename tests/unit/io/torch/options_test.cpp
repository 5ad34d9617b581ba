#include "tessera/io/torch/options.hpp"

#include "support/catch.hpp"

namespace tessera::io::test {

TEST_CASE(
    "torch files are read without sums and without unknown objects unless that is asked for") {
  STATIC_REQUIRE_FALSE(TorchOptions().zip.check_crc);
  STATIC_REQUIRE_FALSE(TorchOptions().pickle.unknown_objects_as_data);
}

}  // namespace tessera::io::test
