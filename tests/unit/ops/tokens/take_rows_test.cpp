#include "tessera/ops/tokens/take_rows.hpp"

#include "support/ops.hpp"

namespace tessera::test {

namespace {

const auto take = [](const CachedVector<Index>& source) {
  return [source](const auto& x) {
    return tessera::detail::take_rows("take", x, source,
                                      Shape<2>{static_cast<Index>(source.size()), x.dim(2)});
  };
};

}  // namespace

TEMPLATE_TEST_CASE("take_rows gathers rows of the folded tensor into any shape", "", float,
                   double) {
  const Var<TestType, 3> x = Tensor<TestType, 3>({2, 2, 2}, {1, 2, 3, 4, 5, 6, 7, 8});
  const Var<TestType, 2> y = tessera::detail::take_rows("take", x, {3, 0, 3}, Shape<2>{3, 2});
  CHECK(y.value() == Tensor<TestType, 2>({3, 2}, {7, 8, 1, 2, 7, 8}));
}

TEST_CASE("gradient of take_rows") {
  expect_gradient(take({3, 0, 3, 5}), random_tensor<3>({2, 3, 4}, 1));
  expect_gradient(take({}), random_tensor<3>({2, 3, 4}, 1));
}

TEMPLATE_TEST_CASE("gather_rows takes rows, some twice, and their gradients add up", "", float,
                   double) {
  Tape<TestType> tape;
  const auto x = tape.variable(Tensor<TestType, 2>({3, 2}, {1, 2, 3, 4, 5, 6}));
  const std::vector<Index> rows{2, 0, 2};
  const auto y = gather_rows(x, rows);
  CHECK(y.value() == Tensor<TestType, 2>({3, 2}, {5, 6, 1, 2, 5, 6}));
  tape.backward(weighted_sum(y, Tensor<TestType, 2>({3, 2}, {1, 2, 3, 4, 10, 20})));
  CHECK(*tape.gradient(x) == Tensor<TestType, 2>({3, 2}, {3, 4, 0, 0, 11, 22}));
}

TEST_CASE("gradient of gather_rows, and rows that do not exist") {
  const auto gather = [](const std::vector<Index>& rows) {
    return [rows](const auto& x) { return gather_rows(x, rows); };
  };
  expect_gradient(gather({3, 0, 3}), random_tensor<2>({4, 3}, 1));
  expect_gradient(gather({}), random_tensor<2>({4, 3}, 1));
  const Tensor<double, 2> x = random_tensor<2>({4, 3}, 1);
  expect_refused("gather_rows: rows[1] = 4 is not in x [4, 3]", gather({0, 4}), x);
  expect_refused("gather_rows: rows[0] = -1 is not in x [4, 3]", gather({-1}), x);
}

TEMPLATE_TEST_CASE("scatter_add_rows adds rows in order and skips negative places", "", float,
                   double) {
  const Tensor<TestType, 2> in({4, 2}, {1, 2, 3, 4, 5, 6, 7, 8});
  Tensor<TestType, 2> out({3, 2}, TestType(100));
  tessera::detail::scatter_add_rows(in.data(), out.data(), {2, -1, 2, 0}, 3, 2);
  CHECK(out == Tensor<TestType, 2>({3, 2}, {107, 108, 100, 100, 106, 108}));
}

TEMPLATE_TEST_CASE("scatter_add_rows has the same bits on any number of threads", "[threads]",
                   float, double) {
  const auto in = random_tensor<2, TestType>({500, 200}, 1);
  CachedVector<Index> places;
  Generator generator(3);
  for (int i = 0; i < 500; ++i) places.push_back(generator.randint(-1, 20));
  Tensor<TestType, 2> expected({20, 200});
  for (Index i = 0; i < 500; ++i) {
    const Index place = places[static_cast<std::size_t>(i)];
    for (Index c = 0; place >= 0 && c < 200; ++c) expected(place, c) += in(i, c);
  }
  for (const Index threads : {1, 2, 3, 4}) {
    const ExecutionScope scope({.threads = threads});
    Tensor<TestType, 2> found({20, 200});
    tessera::detail::scatter_add_rows(in.data(), found.data(), places, 20, 200);
    CHECK((found == expected));
  }
}

TEST_CASE("scatter_add_rows of many rows into one is good to one unit in the last place") {
  const Index rows = 20000;
  const Tensor<float, 2> in({rows, 2}, 0.1F);
  Tensor<float, 2> out({3, 2});
  CachedVector<Index> places(static_cast<std::size_t>(rows), 1);
  places[7] = 0;
  places[9] = 2;
  tessera::detail::scatter_add_rows(in.data(), out.data(), places, 3, 2);
  const double exact = static_cast<double>(rows - 2) * static_cast<double>(0.1F);
  CHECK(std::abs(static_cast<double>(out(1, 1)) / exact - 1) <= 0x1p-24);
  CHECK(out(0, 1) == 0.1F);
  CHECK(out(2, 0) == 0.1F);
}

}  // namespace tessera::test
