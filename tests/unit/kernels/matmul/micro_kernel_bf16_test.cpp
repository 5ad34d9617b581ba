#include "tessera/kernels/matmul/micro_kernel_bf16.hpp"

#include "support/bf16_tiles.hpp"

namespace tessera::kernels {

TEST_CASE("tiles of pairs of every height add both products of a pair") {
  if (machine_isa() < Isa::avx512_bf16) return;  // nothing here can run them
  test::check_bf16_tiles(detail::bf16_kernel, GemmInput::bf16);
}

}  // namespace tessera::kernels
