#include "tessera/kernels/rows.hpp"

#include <vector>

#include "support/close.hpp"
#include "support/random_tensor.hpp"

namespace tessera::kernels {

TEST_CASE("rows_per_cell gives every cell about the same number of elements") {
  CHECK(rows_per_cell(1) == elements_per_cell);
  CHECK(rows_per_cell(0) == elements_per_cell);
  CHECK(rows_per_cell(1000) == 32);
  CHECK(rows_per_cell(elements_per_cell + 1) == 1);
}

TEMPLATE_TEST_CASE("copy_rows gathers rows, several times if asked", "", float, double) {
  const auto in = test::random_tensor<2, TestType>({4, 3}, 1);
  Tensor<TestType, 2> out({5, 3});
  const std::vector<Index> rows{3, 0, 3, 1, 1};
  copy_rows(in.data(), out.data(), 5, 3,
            [&](Index i) { return rows[static_cast<std::size_t>(i)]; });
  for (Index i = 0; i < 5; ++i) {
    for (Index c = 0; c < 3; ++c) CHECK(out(i, c) == in(rows[static_cast<std::size_t>(i)], c));
  }
  copy_rows<TestType>(nullptr, nullptr, 0, 3, [](Index i) { return i; });
}

TEMPLATE_TEST_CASE("column_sums adds 32 rows in order, more of them as two halves", "", float,
                   double) {
  const auto x = test::random_tensor<2, TestType>({100, 300}, 2);
  const auto in_order = [&](Index begin, Index end, Index c) {
    TestType sum{};
    for (Index r = begin; r < end; ++r) sum += x(r, c);
    return sum;
  };
  Tensor<TestType, 1> sums({300}, TestType(9));
  for (const Index rows : {0, 1, 31, 32}) {
    column_sums<TestType>(view(x).middle_rows(0, rows), sums.data());
    for (Index c = 0; c < 300; ++c) CHECK(sums(c) == in_order(0, rows, c));
  }
  column_sums<TestType>(view(x), sums.data());
  for (Index c = 0; c < 300; ++c) {
    const TestType upper = in_order(0, 32, c) + in_order(32, 64, c);
    const TestType lower = in_order(64, 96, c) + in_order(96, 100, c);
    CHECK(sums(c) == upper + lower);
  }
}

TEMPLATE_TEST_CASE("column_sums has the same bits on any number of threads", "[threads]", float,
                   double) {
  const auto x = test::random_tensor<2, TestType>({301, 550}, 2);
  Tensor<TestType, 1> expected({550});
  column_sums<TestType>(view(x), expected.data());
  Tensor<double, 1> exact({550});
  for (Index r = 0; r < 301; ++r) {
    for (Index c = 0; c < 550; ++c) exact(c) += static_cast<double>(x(r, c));
  }
  test::check_close(expected, exact);
  for (const Index threads : {2, 3, 4}) {
    const ExecutionScope scope({.threads = threads});
    Tensor<TestType, 1> sums({550}, TestType(9));
    column_sums<TestType>(view(x), sums.data());
    CHECK(sums == expected);
  }
}

TEST_CASE("column_sums of many rows keeps its bound") {
  const Index rows = 50000;  // in order their sum would be off by 400 units in the last place
  const Tensor<float, 2> x({rows, 5}, 0.1F);
  Tensor<float, 1> sums({5});
  column_sums<float>(view(x), sums.data());
  const double exact = static_cast<double>(rows) * static_cast<double>(0.1F);
  // 32 rows in order and log2(50000 / 32) levels: 43 roundings.
  CHECK(std::abs(static_cast<double>(sums(3)) / exact - 1) <= 43 * 0x1p-24);
}

TEST_CASE("column_sums of no rows are zero, of no columns nothing") {
  Tensor<double, 1> sums({3}, 9.0);
  column_sums<double>({nullptr, 0, 3}, sums.data());
  CHECK(sums == Tensor<double, 1>({3}));
  column_sums<double>({nullptr, 5, 0}, nullptr);
}

TEST_CASE("for_each_range covers a flat array in pieces of one size") {
  std::vector<Index> starts;
  Index covered = 0;
  for_each_range(2 * elements_per_cell + 5, [&](Index begin, Index end) {
    starts.push_back(begin);
    covered += end - begin;
  });
  CHECK(starts == std::vector<Index>{0, elements_per_cell, 2 * elements_per_cell});
  CHECK(covered == 2 * elements_per_cell + 5);
}

}  // namespace tessera::kernels
