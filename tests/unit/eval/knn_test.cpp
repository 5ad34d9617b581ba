#include "tessera/eval/knn.hpp"

#include <array>
#include <limits>

#include "support/catch.hpp"
#include "support/models/published_models.hpp"
#include "support/near.hpp"
#include "support/throws.hpp"
#include "tessera/core/threads/execution.hpp"

namespace tessera::eval::test {

using tessera::test::error_of;
using tessera::test::filler;
using tessera::test::near;

namespace {

template <class Scalar>
Tensor<Scalar, 2> filled(Index rows, Index cols, std::uint32_t k) {
  auto values = Tensor<Scalar, 2>::empty({rows, cols});
  for (Index j = 0; j < values.size(); ++j) {
    values.data()[j] = static_cast<Scalar>(filler(static_cast<std::uint32_t>(j), k, 1));
  }
  return values;
}

}  // namespace

TEMPLATE_TEST_CASE("neighbors, votes and classes are DINO's", "", float, double) {
  const double tolerance = std::is_same_v<TestType, float> ? 2e-6 : 1e-9;
  const auto features = filled<TestType>(12, 5, 50);
  const auto queries = filled<TestType>(3, 5, 51);
  std::vector<Index> labels;
  for (Index i = 0; i < 12; ++i) labels.push_back(i % 3);

  const auto neighbors = nearest_neighbors(features, queries, 4);
  CHECK((neighbors.index == Tensor<Index, 2>({3, 4}, {7, 2, 11, 6, 1, 4, 9, 7, 2, 3, 7, 6})));
  const std::array<double, 3> nearest{.355593651, .3088530303, .7121288754};
  for (Index q = 0; q < 3; ++q) {
    CHECK(static_cast<double>(neighbors.similarity(q, 0)) ==
          near(nearest[static_cast<std::size_t>(q)], tolerance));
  }
  const Tensor<double, 2> votes = knn_votes(neighbors, labels, 3, 0.07);
  const std::array<double, 3> first{.007943661793, .8817883481, .1102679901};
  for (Index c = 0; c < 3; ++c) {
    CHECK(votes(0, c) == near(first[static_cast<std::size_t>(c)], 20 * tolerance));
  }
  CHECK(knn_classify(features, labels, 3, queries, {.k = 4}) == std::vector<Index>{1, 1, 2});
}

TEST_CASE("equal cosines are in the order of their rows, on any number of threads", "[threads]") {
  // Every row twice, and a query with the same cosine to four of them.
  const Tensor<float, 2> features({6, 2}, {0, 1, 1, 0, 1, 0, 2, 0, 3, 0, 0, 1});
  const Tensor<float, 2> queries({1, 2}, {1, 0});
  CHECK((nearest_neighbors(features, queries, 6).index ==
         Tensor<Index, 2>({1, 6}, {1, 2, 3, 4, 0, 5})));
  // Two classes with one vote each: the lower one.
  const std::array<Index, 6> labels{0, 1, 0, 0, 0, 0};
  CHECK(knn_classify(features, labels, 2, queries, {.k = 2})[0] == 0);

  const auto many = filled<float>(500, 7, 1);
  const auto asked = filled<float>(130, 7, 2);
  const auto alone = nearest_neighbors(many, asked, 20);
  for (const Index threads : {2, 3}) {
    const ExecutionScope scope({.threads = threads});
    const auto together = nearest_neighbors(many, asked, 20);
    CHECK((together.index == alone.index));
    CHECK((together.similarity == alone.similarity));
  }
}

TEST_CASE("a low temperature leaves the nearest neighbor alone") {
  const auto features = filled<float>(12, 5, 50);
  const auto queries = filled<float>(3, 5, 51);
  std::vector<Index> labels;
  for (Index i = 0; i < 12; ++i) labels.push_back(i);
  CHECK(knn_classify(features, labels, 12, queries, {.k = 4, .temperature = 1e-6}) ==
        std::vector<Index>{7, 1, 2});
}

TEST_CASE("features and labels that do not fit are refused") {
  const auto features = filled<float>(12, 5, 50);
  const auto queries = filled<float>(3, 4, 51);
  const std::vector<Index> labels(12, 0);
  CHECK(error_of([&] { nearest_neighbors(features, queries, 4); }) ==
        "nearest_neighbors: features [12, 5] and queries [3, 4] differ in width");
  for (const Index k : {0, 13}) {
    CHECK(error_of([&] { nearest_neighbors(features, features, k); }) ==
          "nearest_neighbors: k = " + std::to_string(k) +
              " is not in [1, 12], the rows of features");
  }
  Tensor<float, 2> flat = features;
  std::fill_n(flat.row(3), 5, 0.0F);
  CHECK(error_of([&] { nearest_neighbors(features, flat, 1); }) ==
        "nearest_neighbors: row 3 of features [12, 5] has length 0");
  flat(3, 1) = std::numeric_limits<float>::infinity();
  CHECK(error_of([&] { nearest_neighbors(flat, features, 1); }) ==
        "nearest_neighbors: row 3 of features [12, 5] has length inf");
  CHECK(error_of([&] { knn_classify(features, std::vector<Index>(11), 2, features); }) ==
        "knn_classify: 11 labels do not fit 12 rows of features");
  CHECK(error_of([&] { knn_classify(features, std::vector<Index>(12, 2), 2, features); }) ==
        "knn_classify: label 0 = 2 is not in [0, 2)");
  CHECK(error_of([&] {
          knn_classify(features, labels, 2, features, {.k = 1, .temperature = 0});
        }) == "knn_votes: temperature = 0 is not positive");
  CHECK(error_of([&] { accuracy(labels, std::vector<Index>(3)); }) ==
        "accuracy: 12 predictions for 3 labels");
  CHECK(accuracy(std::vector<Index>{1, 2, 3, 4}, std::vector<Index>{1, 2, 0, 4}) == 0.75);
}

}  // namespace tessera::eval::test
