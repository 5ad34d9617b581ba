#include "tessera/eval/collapse.hpp"

#include <limits>

#include "support/catch.hpp"
#include "support/near.hpp"
#include "support/throws.hpp"
#include "tessera/core/random/distributions.hpp"

namespace tessera::test {

namespace {

/// Two directions, one three times as strong: singular values in the ratio 3 : 1.
template <class Scalar>
Tensor<Scalar, 2> cross() {
  return {{4, 2}, {3, 0, -3, 0, 0, 1, 0, -1}};
}

}  // namespace

TEMPLATE_TEST_CASE("feature_std averages the deviation of the columns", "", float, double) {
  Tensor<TestType, 2> features = cross<TestType>();
  const double expected = (std::sqrt(18.0 / 3) + std::sqrt(2.0 / 3)) / 2;
  CHECK(feature_std(features) == near_relative(expected, 1e-12));
  features.array() += TestType(8);
  CHECK(feature_std(features) == near_relative(expected, 1e-12));
  features.array() *= TestType(-4);
  CHECK(feature_std(features) == near_relative(4 * expected, 1e-12));
}

TEMPLATE_TEST_CASE("effective_rank is exp of the entropy of the singular values", "", float,
                   double) {
  const double expected = std::exp(-0.75 * std::log(0.75) - 0.25 * std::log(0.25));
  Tensor<TestType, 2> features = cross<TestType>();
  CHECK(effective_rank(features) == near_relative(expected, 1e-12));
  features.array() = features.array() * TestType(16) + TestType(8);
  CHECK(effective_rank(features) == near_relative(expected, 1e-12));
}

TEST_CASE("effective_rank does not depend on whether there are fewer rows or columns") {
  Generator generator(3);
  const Tensor<double, 2> few = randn<double>(Shape<2>{5, 40}, generator);
  Tensor<double, 2> many({80, 40});
  for (Index i = 0; i < 16; ++i) many.matrix().middleRows(5 * i, 5) = few.matrix();
  CHECK(effective_rank(few) == near_relative(effective_rank(many), 1e-9));
  CHECK(effective_rank(few) > 3.5);
  CHECK(effective_rank(few) <= 4 + 1e-9);  // five points span four directions
}

TEST_CASE("effective_rank counts directions of equal strength") {
  for (const Index dim : {1, 2, 7}) {
    Tensor<double, 2> features({2 * dim, dim});
    for (Index i = 0; i < dim; ++i) {
      features(2 * i, i) = 0.5;
      features(2 * i + 1, i) = -0.5;
    }
    CHECK(effective_rank(features) == near_relative(static_cast<double>(dim), 1e-12));
  }
}

TEMPLATE_TEST_CASE("a point has no spread and no rank, a line has rank one", "", float, double) {
  const Tensor<TestType, 2> point({7, 3}, TestType(0.1));
  CHECK(feature_std(point) == 0);
  CHECK(effective_rank(point) == 0);

  Tensor<TestType, 2> line({7, 3});
  for (Index i = 0; i < 7; ++i) {
    for (Index d = 0; d < 3; ++d) line(i, d) = static_cast<TestType>(i * (d + 1));
  }
  CHECK(effective_rank(line) == near(1, 1e-9));
}

TEST_CASE("collapse measures name what they refuse") {
  CHECK(error_of([] { (void)feature_std(Tensor<float, 2>({1, 3})); }) ==
        "feature_std: features [1, 3] must have at least two rows and one column");
  CHECK(error_of([] { (void)effective_rank(Tensor<float, 2>({4, 0})); }) ==
        "effective_rank: features [4, 0] must have at least two rows and one column");
  Tensor<double, 2> broken({2, 2});
  broken(1, 0) = std::numeric_limits<double>::quiet_NaN();
  CHECK(error_of([&] { (void)feature_std(broken); }) ==
        "feature_std: features [2, 2] hold a value that is not finite");
  CHECK(error_of([&] { (void)effective_rank(broken); }) ==
        "effective_rank: features [2, 2] hold a value that is not finite");
}

}  // namespace tessera::test
