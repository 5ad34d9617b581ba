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
    run_vectorized<CountLanes, float>(&count);
    CHECK(count == (isa == Isa::baseline ? 4 : isa == Isa::avx2 ? 8 : 16));
  }
}

TEST_CASE("a kernel of any other Scalar runs on vectors of one lane") {
  Index count = 0;
  run_vectorized<CountLanes, double>(&count);
  CHECK(count == 1);
}

}  // namespace tessera::kernels
