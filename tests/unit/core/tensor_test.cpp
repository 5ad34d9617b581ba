#include "tessera/core/tensor.hpp"

#include <cstdint>
#include <limits>
#include <memory>
#include <type_traits>

#include "support/catch.hpp"
#include "support/throws.hpp"

namespace tessera {

using test::error_of;

TEMPLATE_TEST_CASE("a tensor is made of zeros, one value or given values", "", float, double,
                   std::int64_t, bool) {
  const Tensor<TestType, 2> zeros({2, 3});
  CHECK(zeros.shape() == Shape<2>{2, 3});
  CHECK(zeros.size() == 6);
  for (const TestType value : zeros) CHECK(value == TestType(0));

  const Tensor<TestType, 2> ones({2, 3}, TestType(1));
  for (const TestType value : ones) CHECK(value == TestType(1));

  const Tensor<TestType, 2> given({2, 2}, {TestType(1), TestType(0), TestType(0), TestType(1)});
  CHECK(given(0, 0) == TestType(1));
  CHECK(given(0, 1) == TestType(0));
  CHECK(given(1, 1) == TestType(1));
}

TEST_CASE("braces with one value are a list, not a fill") {
  CHECK(Tensor<double, 1>({1}, {5.0})(0) == 5.0);
  CHECK(error_of([] { Tensor<double, 1>({3}, {5.0}); }) ==
        "Tensor: 1 values do not fill shape [3]");
}

TEST_CASE("rank 0 holds one element, an axis of size 0 none") {
  CHECK(Tensor<double, 0>().item() == 0);
  CHECK(Tensor<double, 0>({}, 3.0).item() == 3);
  CHECK(Tensor<double, 0>({}, 3.0)() == 3);
  CHECK(Tensor<double, 0>().rows() == 1);
  CHECK(Tensor<double, 0>().cols() == 1);
  CHECK(Tensor<double, 3>().size() == 0);
  CHECK(Tensor<double, 3>({2, 0, 4}).size() == 0);
  CHECK(Tensor<double, 3>({2, 0, 4}).rows() == 0);
  CHECK(Tensor<double, 3>({2, 4, 0}).rows() == 8);
  CHECK(Tensor<double, 3>({2, 4, 0}) == Tensor<double, 3>({2, 4, 0}));
}

TEST_CASE("elements lie in row-major order, 64-byte aligned") {
  Tensor<float, 3> tensor({2, 3, 5});
  for (Index i = 0; i < tensor.size(); ++i) tensor.data()[i] = static_cast<float>(i);
  CHECK(tensor(1, 2, 3) == 28);
  CHECK(tensor.rows() == 6);
  CHECK(tensor.cols() == 5);
  CHECK(tensor.dim(1) == 3);
  CHECK(tensor.row(5)[3] == 28);
  CHECK(tensor.matrix()(5, 3) == 28);
  CHECK(tensor.array()(28) == 28);
  CHECK(tensor.values()[28] == 28);
  CHECK(std::as_const(tensor).matrix()(5, 3) == 28);
  CHECK(reinterpret_cast<std::uintptr_t>(tensor.data()) % 64 == 0);
  tensor.matrix().row(0).setConstant(7);
  CHECK(tensor(0, 0, 4) == 7);
  CHECK(tensor(0, 1, 0) == 5);
}

TEST_CASE("copies are apart, moves take the memory along") {
  Tensor<double, 2> original({2, 2}, {1, 2, 3, 4});
  Tensor<double, 2> copy = original;
  copy(0, 0) = 9;
  CHECK(original(0, 0) == 1);
  CHECK_FALSE(copy == original);

  copy = original;
  CHECK(copy == original);
  CHECK(copy.data() != original.data());

  const double* memory = original.data();
  Tensor<double, 2> moved = std::move(original);
  CHECK(moved.data() == memory);
  CHECK(moved == copy);

  Tensor<double, 2> target({5, 5});
  target = std::move(moved);
  CHECK(target.data() == memory);
  CHECK(target == copy);
  moved = copy;  // a moved-from tensor may be assigned to
  CHECK(moved == copy);

  Tensor<double, 2> other({1, 3}, {7, 8, 9});
  other = copy;  // another size
  CHECK(other == copy);
  const Tensor<double, 2>& self = other;
  other = self;
  CHECK(other == copy);
}

TEST_CASE("equality asks for shape and values") {
  const Tensor<double, 2> tensor({2, 3}, {1, 2, 3, 4, 5, 6});
  CHECK(tensor == Tensor<double, 2>({2, 3}, {1, 2, 3, 4, 5, 6}));
  CHECK_FALSE(tensor == Tensor<double, 2>({3, 2}, {1, 2, 3, 4, 5, 6}));
  CHECK_FALSE(tensor == Tensor<double, 2>({2, 3}, {1, 2, 3, 4, 5, 7}));
  CHECK_FALSE(Tensor<double, 2>({0, 3}) == Tensor<double, 2>({3, 0}));
}

TEST_CASE("reshaped keeps the elements and moves out of a temporary") {
  Tensor<double, 2> tensor({2, 3}, {1, 2, 3, 4, 5, 6});
  const Tensor<double, 3> copy = tensor.reshaped(Shape<3>{3, 1, 2});
  CHECK(copy(2, 0, 1) == 6);
  CHECK(tensor(1, 2) == 6);
  CHECK(copy.data() != tensor.data());

  const double* memory = tensor.data();
  const Tensor<double, 1> flat = std::move(tensor).reshaped(Shape<1>{6});
  CHECK(flat.data() == memory);
  CHECK(flat(5) == 6);
  CHECK(Tensor<double, 1>({1}, 4.0).reshaped(Shape<0>{}).item() == 4);
}

TEST_CASE("reshaped refuses another number of elements and keeps the tensor") {
  Tensor<double, 2> tensor({2, 3}, {1, 2, 3, 4, 5, 6});
  const Tensor<double, 2> before = tensor;
  CHECK(error_of([&] { std::move(tensor).reshaped(Shape<2>{4, 2}); }) ==
        "Tensor::reshaped: shape [2, 3] cannot become [4, 2]");
  CHECK(tensor == before);
  CHECK(error_of([&] { tensor.reshaped(Shape<1>{5}); }) ==
        "Tensor::reshaped: shape [2, 3] cannot become [5]");
  CHECK(error_of([&] { tensor.reshaped(Shape<2>{-2, -3}); }) ==
        "Tensor: shape [-2, -3] has a negative size or too many elements");
}

TEST_CASE("cast converts every element") {
  const Tensor<double, 1> tensor({3}, {1.75, -2.5, 1e-300});
  CHECK(tensor.cast<float>() == Tensor<float, 1>({3}, {1.75F, -2.5F, 0.0F}));
  CHECK(tensor.cast<std::int64_t>() == Tensor<std::int64_t, 1>({3}, {1, -2, 0}));
}

TEST_CASE("a tensor that was moved from is empty, and may be given a value again") {
  Tensor<float, 2> from({2, 3}, 1.0F);
  const Tensor<float, 2> to = std::move(from);
  CHECK(from.shape() == Shape<2>{0, 0});
  CHECK(from.size() == 0);
  CHECK(from.rows() == 0);
  from = to;
  CHECK(from == to);
  Tensor<float, 2> assigned({1, 1});
  assigned = std::move(from);
  CHECK(assigned == to);
  CHECK(from.shape() == Shape<2>{0, 0});
}

TEST_CASE("wrong shapes are refused") {
  constexpr Index huge = std::numeric_limits<Index>::max();
  CHECK(error_of([] { Tensor<float, 2>({2, -3}); }) ==
        "Tensor: shape [2, -3] has a negative size or too many elements");
  CHECK(error_of([] { Tensor<float, 2>({-2, -3}); }) ==
        "Tensor: shape [-2, -3] has a negative size or too many elements");
  CHECK(error_of([] { Tensor<float, 2>({0, -3}); }) ==
        "Tensor: shape [0, -3] has a negative size or too many elements");
  CHECK(error_of([] { Tensor<float, 2>({huge, 2}); }) ==
        "Tensor: shape [9223372036854775807, 2] has a negative size or too many elements");
  CHECK(error_of([] { Tensor<float, 3>({Index{1} << 32, Index{1} << 32, 4}); }) ==
        "Tensor: shape [4294967296, 4294967296, 4] has a negative size or too many elements");
  CHECK(error_of([] { Tensor<double, 1>({huge}); }) ==
        "Tensor: shape [9223372036854775807] has too many elements");
  CHECK(error_of([] { Tensor<double, 2>({2, 2}, {1, 2, 3}); }) ==
        "Tensor: 3 values do not fill shape [2, 2]");
  CHECK(error_of([] { Tensor<double, 2>({2, 2}).item(); }) ==
        "Tensor::item: shape [2, 2] does not hold exactly one element");
  CHECK(error_of([] { Tensor<double, 1>().item(); }) ==
        "Tensor::item: shape [0] does not hold exactly one element");
}

static_assert(std::is_nothrow_move_constructible_v<Tensor<float, 2>>);
static_assert(std::is_nothrow_move_assignable_v<Tensor<float, 2>>);

}  // namespace tessera
