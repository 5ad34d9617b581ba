#include "tessera/kernels/matmul/epilogue.hpp"

#include "support/close.hpp"
#include "support/each_isa.hpp"
#include "support/random_tensor.hpp"

namespace tessera::kernels {

TEMPLATE_TEST_CASE("an epilogue without parts is empty", "", float, double) {
  CHECK(Epilogue<TestType>{}.empty());
  const TestType one = 1;
  TestType kept = 0;
  CHECK_FALSE(Epilogue<TestType>{.bias = &one}.empty());
  CHECK_FALSE(Epilogue<TestType>{.gelu = true}.empty());
  CHECK_FALSE(Epilogue<TestType>{.gelu_input = &kept}.empty());
  CHECK_FALSE(Epilogue<TestType>{.residual = &one}.empty());
}

TEMPLATE_TEST_CASE("each part of an epilogue is applied to its block alone, in order", "", float,
                   double) {
  const Index rows = 6;
  const Index cols = 50;  // whole vectors and a rest, on every instruction set
  const auto start = test::random_tensor<2, TestType>({rows, cols}, 1);
  const auto bias = test::random_tensor<1, TestType>({cols}, 2);
  const auto residual = test::random_tensor<2, TestType>({rows, cols}, 3);
  for (const Isa isa : test::every_isa()) {
    const ExecutionScope scope({.isa = isa});
    for (int parts = 0; parts < 32; ++parts) {
      const bool apart = (parts & 16) != 0;  // the sums lie elsewhere; in place otherwise
      Tensor<TestType, 2> c = apart ? residual : start;
      const MatrixView<const TestType> sums = apart ? view(start) : view(std::as_const(c));
      Tensor<TestType, 2> kept({rows, cols}, TestType(5));
      const bool keeps = (parts & 2) != 0;
      const Epilogue<TestType> epilogue{.bias = (parts & 1) != 0 ? bias.data() : nullptr,
                                        .gelu = (parts & 4) != 0,
                                        .gelu_input = keeps ? kept.data() : nullptr,
                                        .residual = (parts & 8) != 0 ? residual.data() : nullptr};
      Tensor<double, 2> expected = c.template cast<double>();
      Tensor<double, 2> input({rows, cols}, 5.0);
      for (Index r = 2; r < 5; ++r) {
        for (Index j = 7; j < 48; ++j) {
          double value = static_cast<double>(start(r, j));
          if (epilogue.bias) value += static_cast<double>(bias(j));
          if (keeps) input(r, j) = value;
          if (epilogue.gelu) value = gelu(value);
          if (epilogue.residual) value += static_cast<double>(residual(r, j));
          expected(r, j) = value;
        }
      }
      apply(epilogue.block(2, 7, cols), sums.block(2, 7, 3, 41), view(c).block(2, 7, 3, 41));
      test::check_close(c, expected);
      test::check_close(kept, input);
    }
  }
}

}  // namespace tessera::kernels
