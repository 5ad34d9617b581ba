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

TEMPLATE_TEST_CASE("column_sums adds rows in order, the same bits on any number of threads",
                   "[threads]", float, double) {
  const auto x = test::random_tensor<2, TestType>({301, 150}, 2);
  Tensor<TestType, 1> expected({150});
  for (Index r = 0; r < 301; ++r) {
    for (Index c = 0; c < 150; ++c) expected(c) += x(r, c);
  }
  for (const Index threads : {1, 2, 3, 4}) {
    const ExecutionScope scope({.threads = threads});
    Tensor<TestType, 1> sums({150}, TestType(9));
    column_sums<TestType>(view(x), sums.data());
    CHECK(sums == expected);
  }
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
