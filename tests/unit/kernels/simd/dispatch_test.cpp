#include "tessera/kernels/simd/dispatch.hpp"

#include "support/catch.hpp"
#include "support/each_isa.hpp"

namespace tessera::kernels {

namespace {

struct CountLanes {
  template <class Vector>
  [[gnu::always_inline]] static void run(Index* count) {
    *count = lanes<Vector>;
  }
};

}  // namespace

TEST_CASE("a kernel runs with the vectors of the scope's instruction set") {
  for (const Isa isa : test::every_isa()) {
    const ExecutionScope scope({.isa = isa});
    Index count = 0;
    run_vectorised<CountLanes>(&count);
    CHECK(count == (isa == Isa::baseline ? 4 : isa == Isa::avx2 ? 8 : 16));
  }
}

}  // namespace tessera::kernels
