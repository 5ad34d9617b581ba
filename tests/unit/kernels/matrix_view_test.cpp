#include "tessera/kernels/matrix_view.hpp"

#include "support/catch.hpp"

namespace tessera::kernels {

TEST_CASE("a view reads rows that are a stride apart") {
  Tensor<double, 1> memory({12});
  for (Index i = 0; i < 12; ++i) memory(i) = static_cast<double>(i);
  const MatrixView<double> whole(memory.data(), 3, 4);
  CHECK(whole.stride == 4);
  CHECK(whole.row(2)[1] == 9);
  CHECK(whole.eigen()(2, 1) == 9);

  const MatrixView<double> block = whole.block(1, 1, 2, 2);
  CHECK(block.rows == 2);
  CHECK(block.cols == 2);
  CHECK(block.eigen()(0, 0) == 5);
  CHECK(block.eigen()(1, 1) == 10);
  CHECK(whole.middle_rows(1, 2).eigen().sum() == 60);

  block.eigen().setZero();
  CHECK(memory(5) == 0);
  CHECK(memory(7) == 7);
  CHECK(memory(8) == 8);

  const MatrixView<const double> constant = block;
  CHECK(constant.data == block.data);
  CHECK(constant.stride == 4);
}

TEST_CASE("a tensor is viewed with its leading axes folded") {
  Tensor<float, 3> tensor({2, 3, 4});
  CHECK(view(tensor).rows == 6);
  CHECK(view(tensor).cols == 4);
  CHECK(view(std::as_const(tensor)).data == tensor.data());
  CHECK(view(Tensor<float, 0>()).rows == 1);
}

TEST_CASE("a weight is viewed as outputs and all that one output reads") {
  Tensor<float, 4> convolution({5, 3, 2, 2});
  CHECK(weight_view(convolution).rows == 5);
  CHECK(weight_view(convolution).cols == 12);
  CHECK(weight_view(std::as_const(convolution)).stride == 12);
  const Tensor<float, 2> nothing({0, 3});
  CHECK(weight_view(nothing).rows == 0);
  CHECK(weight_view(nothing).cols == 3);
}

TEST_CASE("rows a multiple of 4 KiB apart share cache sets, a gap later they do not") {
  CHECK(shares_cache_sets(1024));
  CHECK(shares_cache_sets(4096));
  CHECK_FALSE(shares_cache_sets(1000));
  CHECK_FALSE(shares_cache_sets(1024 + cache_set_gap));
}

}  // namespace tessera::kernels
