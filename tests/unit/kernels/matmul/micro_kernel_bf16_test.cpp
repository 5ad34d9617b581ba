#include "tessera/kernels/matmul/micro_kernel_bf16.hpp"

#include "support/word_tiles.hpp"

namespace tessera::kernels {

TEST_CASE("tiles of pairs of every height add both products of a word") {
  if (machine_isa() < Isa::avx512_bf16) return;  // nothing here can run them
  test::check_word_tiles(micro_kernel_of_pairs(), InputForm::pairs);
}

}  // namespace tessera::kernels
