#include "tessera/kernels/matmul/packed_matrix.hpp"

#include <algorithm>
#include <utility>

#include "support/close.hpp"
#include "support/each_isa.hpp"
#include "support/random_tensor.hpp"

namespace tessera::kernels {

namespace {
constexpr MatmulPrecision precisions[] = {MatmulPrecision::highest, MatmulPrecision::high,
                                          MatmulPrecision::medium};
}

TEMPLATE_TEST_CASE("a packed product has the bits of the plain one", "[threads]", float, double) {
  struct Sizes {
    Index rows, cols, depth;
  };
  for (const auto& [rows, cols, depth] : {Sizes{1, 1, 1}, Sizes{50, 96, 130}, Sizes{19, 77, 1100},
                                          Sizes{35, 40, 2100}, Sizes{3, 5, 0}, Sizes{4, 0, 3}}) {
    const auto a = test::random_tensor<2, TestType>({rows, depth}, 1);
    const auto b = test::random_tensor<2, TestType>({cols, depth}, 2);
    const auto bias = test::random_tensor<1, TestType>({cols}, 3);
    const auto residual = test::random_tensor<2, TestType>({rows, cols}, 4);
    const Epilogue<TestType> epilogue{
        .bias = bias.data(), .gelu = true, .residual = residual.data()};
    for (const MatmulPrecision precision : precisions) {
      for (const Isa isa : test::every_isa()) {
        const ExecutionScope scope({.threads = 2, .matmul_precision = precision, .isa = isa});
        const PackedMatrix<TestType> packed(view(b));
        CHECK(packed.rows() == cols);
        CHECK(packed.cols() == depth);
        Tensor<TestType, 2> expected({rows, cols}, TestType(0.5));
        Tensor<TestType, 2> found = expected;
        matmul_nt<TestType>(view(a), view(b), view(expected), Accumulate::yes, epilogue);
        matmul_nt<TestType>(view(a), packed, view(found), Accumulate::yes, epilogue);
        CHECK((found == expected));
      }
    }
  }
}

TEST_CASE("a product of rows that were completed one by one has the same bits") {
  for (const MatmulPrecision precision : precisions) {
    for (const Isa isa : test::every_isa()) {
      const ExecutionScope scope({.matmul_precision = precision, .isa = isa});
      for (const Index depth : {1, 32, 197, 1100}) {
        const auto a = test::random_tensor<2, float>({35, depth}, 1);
        const PackedMatrix<float> packed(view(test::random_tensor<2, float>({77, depth}, 2)));
        const bool medium = precision == MatmulPrecision::medium;
        REQUIRE((packed.input() == GemmInput::bf16) == (medium && isa >= Isa::avx512_bf16));
        const RowsFor<float> rows(packed);
        const Index whole = (depth + 31) / 32 * 32;
        Tensor<float, 2> completed({35, whole});
        for (Index r = 0; r < 35; ++r) {
          std::copy_n(a.row(r), depth, completed.row(r));
          rows.complete(completed.row(r), whole);
        }
        Tensor<float, 2> expected({35, 77}, 0.5F);
        Tensor<float, 2> found = expected;
        for (const Accumulate accumulate : {Accumulate::yes, Accumulate::no}) {
          matmul_nt<float>(view(a), packed, view(expected), accumulate);
          rows.multiply(view(std::as_const(completed)), view(found), accumulate);
          CHECK((found == expected));
        }
      }
    }
  }
}

TEMPLATE_TEST_CASE("some rows of a packed matrix can be used alone", "", float, double) {
  const auto a = test::random_tensor<2, TestType>({9, 40}, 1);
  const auto b = test::random_tensor<2, TestType>({120, 40}, 2);
  for (const MatmulPrecision precision : precisions) {
    const ExecutionScope scope({.matmul_precision = precision});
    const PackedMatrix<TestType> packed(view(b));
    for (const Index first : {0, 1, 32, 40, 119}) {
      for (const Index count : {Index{0}, Index{1}, 120 - first}) {
        Tensor<TestType, 2> expected({9, count});
        Tensor<TestType, 2> found({9, count});
        matmul_nt<TestType>(view(a), view(b).middle_rows(first, count), view(expected));
        matmul_nt<TestType>(view(a), packed, view(found), Accumulate::no, {}, first);
        CHECK((found == expected));
      }
    }
  }
}

TEST_CASE("a packed matrix is a value of its own, as large as the original") {
  auto b = test::random_tensor<2, float>({64, 30}, 1);
  const auto a = test::random_tensor<2, float>({2, 30}, 2);
  const PackedMatrix<float> packed(view(std::as_const(b)));
  const PackedMatrix<float> copy = packed;
  CHECK(packed.bytes() == 64 * 30 * sizeof(float));
  Tensor<float, 2> before({2, 64});
  Tensor<float, 2> after({2, 64});
  matmul_nt<float>(view(a), view(std::as_const(b)), view(before));
  std::fill(b.begin(), b.end(), 0.0F);
  matmul_nt<float>(view(a), copy, view(after));
  CHECK((after == before));
}

TEST_CASE("a matrix is packed in the precision of its scope, for every scope after") {
  const auto a = test::random_tensor<2, float>({19, 131}, 1);
  const auto b = test::random_tensor<2, float>({96, 131}, 2);
  for (const MatmulPrecision precision : {MatmulPrecision::medium, MatmulPrecision::high}) {
    const ExecutionScope scope({.matmul_precision = precision});
    const Isa packed_on = current_isa();
    const GemmInput input = gemm_input();
    if (input == GemmInput::f32) continue;  // this machine packs float32
    const PackedMatrix<float> packed(view(b));
    CHECK(packed.bytes() == 96 * 160 * (input == GemmInput::bf16 ? 2 : 4));
    Tensor<float, 2> expected({19, 96});
    Tensor<float, 2> found({19, 96});
    matmul_nt<float>(view(a), view(b), view(expected));
    matmul_nt<float>(view(a), packed, view(found));
    CHECK((found == expected));
    for (const Isa isa : test::every_isa()) {
      const ExecutionScope lower({.isa = isa});
      matmul_nt<float>(view(a), packed, view(found));
      const double apart = test::distance(test::values_of(found), test::values_of(expected));
      INFO(isa_names[static_cast<std::size_t>(isa)]);
      CHECK(apart < (input == GemmInput::bf16 ? 5e-3 : 2e-5));
      if (isa == packed_on) CHECK(apart == 0);
      // Without the hardware the stored pairs meet a left-hand side in float32.
      const OperandB panels{packed.data(), 131, 96, 0, packed.layout()};
      if (gemm_input(panels) == GemmInput::f32) CHECK(apart > 0);
    }
  }
}

TEMPLATE_TEST_CASE("a packed transpose is that of the transposed copy, padding zero", "", float,
                   double) {
  const auto matrix = test::random_tensor<2, TestType>({17, 37}, 1);
  Tensor<TestType, 2> transposed({37, 17});
  for (Index r = 0; r < 17; ++r) {
    for (Index c = 0; c < 37; ++c) transposed(c, r) = matrix(r, c);
  }
  const auto a = test::random_tensor<2, TestType>({5, 17}, 2);
  for (const MatmulPrecision precision : precisions) {
    const ExecutionScope scope({.matmul_precision = precision});
    const auto packed = PackedMatrix<TestType>::of_transpose(view(matrix));
    const PackedMatrix<TestType> copied(view(std::as_const(transposed)));
    CHECK(packed.rows() == 37);
    CHECK(packed.cols() == 17);
    CHECK(packed.padded_rows() == copied.padded_rows());
    const Index cols = packed.padded_rows();
    CHECK(cols >= 37);
    Tensor<TestType, 2> found({5, cols}, TestType(9));
    Tensor<TestType, 2> expected({5, cols}, TestType(9));
    matmul_nt<TestType>(view(a), packed, view(found));
    matmul_nt<TestType>(view(a), copied, view(expected));
    CHECK(found == expected);
    for (Index c = 37; c < cols; ++c) CHECK(found(4, c) == 0);
  }
}

}  // namespace tessera::kernels
