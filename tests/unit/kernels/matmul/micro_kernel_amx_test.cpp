#include "tessera/kernels/matmul/micro_kernel_amx.hpp"

#include "support/word_tiles.hpp"

namespace tessera::kernels {

TEST_CASE("AMX tiles of every height add the products of pairs, or three of split ones") {
  if (machine_isa() < Isa::amx) return;  // nothing here can run them
  test::check_word_tiles(detail::amx_pair_kernel, InputForm::pairs);
  test::check_word_tiles(detail::amx_split_kernel, InputForm::split);
}

}  // namespace tessera::kernels
