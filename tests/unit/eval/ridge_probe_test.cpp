#include "tessera/eval/ridge_probe.hpp"

#include <cmath>

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

Tensor<double, 2> filled(Index rows, Index cols, std::uint32_t k) {
  auto values = Tensor<double, 2>::empty({rows, cols});
  for (Index j = 0; j < values.size(); ++j) {
    values.data()[j] = filler(static_cast<std::uint32_t>(j), k, 1);
  }
  return values;
}

}  // namespace

TEST_CASE("the probe is the minimum of its objective") {
  Tensor<double, 2> x = filled(40, 3, 1);
  for (Index r = 0; r < 40; ++r) {
    x(r, 1) = 5 + 100 * x(r, 1);  // another scale
    x(r, 2) = 7;                  // a constant
  }
  std::vector<Index> labels;
  for (Index i = 0; i < 40; ++i) labels.push_back(x(i, 0) > 0.3 ? 2 : x(i, 0) < -0.2 ? 0 : 1);
  const double ridge = 0.01;
  const LinearClassifier probe = ridge_probe(x, labels, 3, ridge);
  CHECK(probe.std(2) == 1);
  CHECK(probe.weight(2, 0) == near(0, 1e-12));

  const auto objective = [&](const LinearClassifier& classifier) {
    const Tensor<double, 2> scores = classifier.scores(x);
    double sum = 0;
    for (Index r = 0; r < 40; ++r) {
      for (Index c = 0; c < 3; ++c) {
        const double target = labels[static_cast<std::size_t>(r)] == c ? 1 : 0;
        sum += std::pow(scores(r, c) - target, 2);
      }
    }
    for (const double weight : classifier.weight) sum += ridge * 40 * weight * weight;
    return sum;
  };
  const double least = objective(probe);
  for (const double step : {-1e-3, 1e-3}) {
    for (Index i = 0; i < probe.weight.size(); ++i) {
      LinearClassifier moved = probe;
      moved.weight.data()[i] += step;
      CHECK(objective(moved) > least);
    }
    for (Index c = 0; c < 3; ++c) {
      LinearClassifier moved = probe;
      moved.bias(c) += step;
      CHECK(objective(moved) > least);
    }
  }
}

TEST_CASE("classes that a line divides are told apart, on any number of threads", "[threads]") {
  const Tensor<double, 2> x = filled(300, 8, 3);
  std::vector<Index> labels;
  for (Index i = 0; i < 300; ++i) labels.push_back(x(i, 0) + x(i, 5) > 0 ? 1 : 0);
  const LinearClassifier alone = ridge_probe(x, labels, 2);
  CHECK(accuracy(alone.classify(x), labels) > 0.95);
  const ExecutionScope scope({.threads = 3});
  CHECK((ridge_probe(x, labels, 2).weight == alone.weight));
}

TEST_CASE("probes that cannot be solved are refused") {
  const Tensor<double, 2> x = filled(4, 2, 1);
  const std::vector<Index> labels{0, 1, 0, 1};
  CHECK(error_of([&] { ridge_probe(x, labels, 2, 0); }) ==
        "ridge_probe: ridge = 0 is not positive");
  CHECK(error_of([&] { ridge_probe(x, labels, 1); }) ==
        "ridge_probe: label 1 = 1 is not in [0, 1)");
  CHECK(error_of([&] { ridge_probe(filled(3, 2, 1), labels, 2); }) ==
        "ridge_probe: 4 labels do not fit 3 rows of features");
  const LinearClassifier probe = ridge_probe(x, labels, 2);
  CHECK(error_of([&] { probe.classify(filled(3, 3, 1)); }) ==
        "LinearClassifier: features [3, 3] are not 2 wide");
}

}  // namespace tessera::eval::test
