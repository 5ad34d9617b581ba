#include "tessera/kernels/matmul/eigen.hpp"

#include "support/close.hpp"
#include "support/each_isa.hpp"
#include "support/random_tensor.hpp"
#include "tessera/kernels/matmul/matmul.hpp"

namespace tessera::kernels {

// Eigen computes float where there are no kernels; here it is their composed twin.
TEST_CASE("the kernels agree with Eigen, epilogue included") {
  const Index rows = 300;
  const Index inner = 70;
  const Index cols = 401;
  const auto a = test::random_tensor<2, float>({rows, inner}, 1);
  const auto b = test::random_tensor<2, float>({cols, inner}, 2);
  const auto bias = test::random_tensor<1, float>({cols}, 3);
  const auto residual = test::random_tensor<2, float>({rows, cols}, 4);
  const Epilogue<float> epilogue{.bias = bias.data(), .gelu = true, .residual = residual.data()};
  Tensor<float, 2> expected({rows, cols}, 0.5F);
  detail::eigen_product<float>(
      view(expected), true, epilogue,
      [&](Index row, Index count) { return view(a).middle_rows(row, count).eigen(); },
      [&](Index col, Index count) { return view(b).middle_rows(col, count).eigen().transpose(); });
  for (const Isa isa : test::every_isa()) {
    const ExecutionScope scope({.isa = isa});
    Tensor<float, 2> found({rows, cols}, 0.5F);
    matmul_nt<float>(view(a), view(b), view(found), Accumulate::yes, epilogue);
    test::check_close(found, expected);
  }
}

}  // namespace tessera::kernels
