#include "tessera/kernels/matmul/matmul.hpp"

#include "support/close.hpp"
#include "support/random_tensor.hpp"

namespace tessera::kernels {

namespace {

using test::random_tensor;

struct Sizes {
  Index rows, inner, cols;
};

// One element, a row, a column, no inner axis (with columns in two tiles), nothing at all, more
// than one tile of 256 x 384 in either direction, and just one row more than a tile.
const Sizes shapes[] = {{1, 1, 1},    {1, 7, 5},      {9, 4, 1},    {5, 0, 400},
                        {0, 3, 4},    {3, 4, 0},      {13, 17, 9},  {300, 21, 5},
                        {4, 19, 500}, {257, 40, 385}, {520, 3, 780}};

enum class Form { nn, nt, tn };

/// a [M, K], b [K, N] in the layout that the form reads.
template <class Scalar>
Tensor<Scalar, 2> transposed(const Tensor<Scalar, 2>& x) {
  auto y = Tensor<Scalar, 2>::empty({x.dim(1), x.dim(0)});
  for (Index r = 0; r < x.dim(0); ++r) {
    for (Index c = 0; c < x.dim(1); ++c) y(c, r) = x(r, c);
  }
  return y;
}

template <class Scalar>
void multiply(Form form, const Tensor<Scalar, 2>& a, const Tensor<Scalar, 2>& b,
              MatrixView<Scalar> c, Accumulate accumulate) {
  const MatrixView<const Scalar> left = view(a);
  const MatrixView<const Scalar> right = view(b);
  if (form == Form::nn) matmul_nn<Scalar>(left, right, c, accumulate);
  if (form == Form::nt) matmul_nt<Scalar>(left, right, c, accumulate);
  if (form == Form::tn) matmul_tn<Scalar>(left, right, c, accumulate);
}

template <class Scalar>
Tensor<double, 2> product(const Tensor<Scalar, 2>& a, const Tensor<Scalar, 2>& b) {
  Tensor<double, 2> c({a.dim(0), b.dim(1)});
  for (Index i = 0; i < a.dim(0); ++i) {
    for (Index k = 0; k < a.dim(1); ++k) {
      for (Index j = 0; j < b.dim(1); ++j) {
        c(i, j) += static_cast<double>(a(i, k)) * static_cast<double>(b(k, j));
      }
    }
  }
  return c;
}

}  // namespace

TEMPLATE_TEST_CASE("products agree with plain loops, alone and accumulated", "", float, double) {
  for (const Sizes& sizes : shapes) {
    INFO(sizes.rows << " x " << sizes.inner << " x " << sizes.cols);
    const auto a = random_tensor<2, TestType>({sizes.rows, sizes.inner}, 1);
    const auto b = random_tensor<2, TestType>({sizes.inner, sizes.cols}, 2);
    const Tensor<double, 2> expected = product(a, b);
    for (const Form form : {Form::nn, Form::nt, Form::tn}) {
      const Tensor<TestType, 2> left = form == Form::tn ? transposed(a) : a;
      const Tensor<TestType, 2> right = form == Form::nt ? transposed(b) : b;
      Tensor<TestType, 2> c({sizes.rows, sizes.cols}, TestType(100));
      multiply<TestType>(form, left, right, view(c), Accumulate::no);
      test::check_close(c, expected);

      const auto start = random_tensor<2, TestType>({sizes.rows, sizes.cols}, 3);
      c = start;
      multiply<TestType>(form, left, right, view(c), Accumulate::yes);
      Tensor<double, 2> sum = expected;
      for (Index i = 0; i < sum.size(); ++i) sum.data()[i] += start.data()[i];
      test::check_close(c, sum);
    }
  }
}

TEMPLATE_TEST_CASE("a product writes its block of a larger matrix alone", "", float, double) {
  const auto a = random_tensor<2, TestType>({5, 4}, 1);
  const auto b = random_tensor<2, TestType>({4, 3}, 2);
  Tensor<TestType, 2> large({7, 8}, TestType(50));
  matmul_nn<TestType>(view(a), view(b), view(large).block(1, 2, 5, 3));
  const Tensor<double, 2> expected = product(a, b);
  for (Index r = 0; r < 7; ++r) {
    for (Index c = 0; c < 8; ++c) {
      const bool inside = r >= 1 && r < 6 && c >= 2 && c < 5;
      const double value = inside ? expected(r - 1, c - 2) : 50.0;
      CHECK(std::abs(static_cast<double>(large(r, c)) - value) <= test::tolerance<TestType> * 50);
    }
  }
}

TEMPLATE_TEST_CASE("the epilogue adds bias, applies gelu, keeps its input, adds the residual", "",
                   float, double) {
  const Index rows = 300;
  const Index cols = 400;  // tiles 2 x 2
  const auto a = random_tensor<2, TestType>({rows, 6}, 1);
  const auto b = random_tensor<2, TestType>({6, cols}, 2);
  const auto bias = random_tensor<1, TestType>({cols}, 3);
  const auto residual = random_tensor<2, TestType>({rows, cols}, 4);
  Tensor<double, 2> before = product(a, b);
  Tensor<double, 2> expected = before;
  for (Index r = 0; r < rows; ++r) {
    for (Index c = 0; c < cols; ++c) {
      before(r, c) += bias(c);
      expected(r, c) = gelu(before(r, c)) + residual(r, c);
    }
  }
  const Tensor<TestType, 2> right = transposed(b);
  Tensor<TestType, 2> kept({rows, cols});
  Tensor<TestType, 2> found({rows, cols});
  matmul_nt<TestType>(
      view(a), view(right), view(found), Accumulate::no,
      {.bias = bias.data(), .gelu = true, .gelu_input = kept.data(), .residual = residual.data()});
  test::check_close(found, expected);
  test::check_close(kept, before);
}

TEMPLATE_TEST_CASE("products have the same bits on any number of threads", "[threads]", float,
                   double) {
  const Index rows = 513;
  const Index cols = 770;
  const Index inner = 37;
  const auto a = random_tensor<2, TestType>({rows, inner}, 1);
  const auto b = random_tensor<2, TestType>({inner, cols}, 2);
  for (const Form form : {Form::nn, Form::nt, Form::tn}) {
    const Tensor<TestType, 2> left = form == Form::tn ? transposed(a) : a;
    const Tensor<TestType, 2> right = form == Form::nt ? transposed(b) : b;
    Tensor<TestType, 2> expected({rows, cols}, TestType(0.5));
    multiply<TestType>(form, left, right, view(expected), Accumulate::yes);
    for (const Index threads : {1, 2, 3, 4}) {
      const ExecutionScope scope({.threads = threads});
      Tensor<TestType, 2> found({rows, cols}, TestType(0.5));
      multiply<TestType>(form, left, right, view(found), Accumulate::yes);
      CHECK((found == expected));
    }
  }
}

}  // namespace tessera::kernels
