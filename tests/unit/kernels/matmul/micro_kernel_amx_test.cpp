#include "tessera/kernels/matmul/micro_kernel_amx.hpp"

#include "support/bf16_tiles.hpp"

namespace tessera::kernels {

TEST_CASE("AMX tiles of every height add the products of pairs, or three of split ones") {
  if (machine_isa() < Isa::amx) return;  // nothing here can run them
  test::check_bf16_tiles(detail::amx_bf16_kernel, GemmInput::bf16);
  test::check_bf16_tiles(detail::amx_split_kernel, GemmInput::bf16_split);
}

}  // namespace tessera::kernels
