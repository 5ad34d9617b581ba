#include "tessera/kernels/simd/elementwise.hpp"

#include <vector>

#include "support/catch.hpp"
#include "support/each_isa.hpp"

namespace tessera::kernels {

namespace {

struct AddTo {
  template <class Vector>
  [[gnu::always_inline]] static void step(Index at, Index count, const float* x, float* y) {
    Vector left, right;
    load_part(left, x + at, count);
    load_part(right, y + at, count);
    right += left;
    store_part(right, y + at, count);
  }
};

}  // namespace

TEST_CASE("an elementwise kernel meets every element once and none beyond") {
  for (const Isa isa : test::every_isa()) {
    const ExecutionScope scope({.isa = isa});
    for (const Index count : {0, 1, 15, 16, 33}) {
      const std::vector<float> x(40, 2.0F);
      std::vector<float> y(40, 1.0F);
      run_vectorised<Elementwise<AddTo>>(count, x.data(), y.data());
      for (std::size_t i = 0; i < y.size(); ++i) {
        CHECK(y[i] == (i < static_cast<std::size_t>(count) ? 3.0F : 1.0F));
      }
    }
  }
}

}  // namespace tessera::kernels
