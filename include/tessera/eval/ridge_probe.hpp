#pragma once

#include "tessera/core/eigen.hpp"

#include <Eigen/Cholesky>
#include <algorithm>
#include <cmath>
#include <concepts>
#include <span>
#include <string_view>
#include <vector>

#include "tessera/eval/knn.hpp"
#include "tessera/eval/spectrum.hpp"
#include "tessera/kernels/matmul/matmul.hpp"

namespace tessera::eval {

/// A linear classifier of features: scores = (x - mean) / std . weight + bias.
struct LinearClassifier {
  Tensor<double, 1> mean;    ///< [D]
  Tensor<double, 1> std;     ///< [D], 1 for a column that is constant
  Tensor<double, 2> weight;  ///< [D, classes]
  Tensor<double, 1> bias;    ///< [classes]

  /// features [R, D] -> [R, classes]. Throws std::invalid_argument if the width is another.
  template <std::floating_point Scalar>
  Tensor<double, 2> scores(const Tensor<Scalar, 2>& features) const {
    if (features.dim(1) != mean.dim(0)) {
      refuse("LinearClassifier", "features ", features.shape(), " are not ", mean.dim(0), " wide");
    }
    Tensor<double, 2> x = features.template cast<double>();
    for (Index r = 0; r < x.dim(0); ++r) {
      for (Index d = 0; d < x.dim(1); ++d) x(r, d) = (x(r, d) - mean(d)) / std(d);
    }
    Tensor<double, 2> scores({x.dim(0), bias.dim(0)});
    kernels::matmul_nn<double>(kernels::view(x), kernels::view(weight), kernels::view(scores));
    for (Index r = 0; r < x.dim(0); ++r) {
      for (Index c = 0; c < bias.dim(0); ++c) scores(r, c) += bias(c);
    }
    return scores;
  }

  /// The class of the largest score of each row.
  template <std::floating_point Scalar>
  std::vector<Index> classify(const Tensor<Scalar, 2>& features) const {
    return largest_of_rows(scores(features));
  }
};

/// The quick linear probe: ridge regression on one-hot labels in closed form. Columns of features
/// [R, D] are brought to mean 0 and deviation 1; the weights minimize the squared error against 1
/// for the label and 0 for others, plus `ridge` x R x their squares. One solution, no rate, no
/// epochs: for a look while a model trains. The figures of papers come from trained probes and are
/// not comparable.
///
/// Throws std::invalid_argument if labels do not fit, ridge is not positive, or a value is not
/// finite.
template <std::floating_point Scalar>
LinearClassifier ridge_probe(const Tensor<Scalar, 2>& features, std::span<const Index> labels,
                             Index classes, double ridge = 1e-3) {
  constexpr std::string_view op = "ridge_probe";
  detail::check_labels(op, labels, features.dim(0), classes);
  if (!(ridge > 0 && std::isfinite(ridge))) refuse(op, "ridge = ", ridge, " is not positive");
  Tensor<double, 2> x = detail::finite_features(op, features, 2);
  const Index rows = x.dim(0);
  const Index width = x.dim(1);
  const auto count = static_cast<double>(rows);

  LinearClassifier classifier{Tensor<double, 1>::empty({width}), Tensor<double, 1>::empty({width}),
                              Tensor<double, 2>::empty({width, classes}),
                              Tensor<double, 1>::empty({classes})};
  for (Index d = 0; d < width; ++d) {
    double sum = 0;
    for (Index r = 0; r < rows; ++r) sum += x(r, d);
    const double mean = sum / count;
    double squares = 0;
    for (Index r = 0; r < rows; ++r) squares += (x(r, d) - mean) * (x(r, d) - mean);
    const double std = std::sqrt(squares / count);
    // Rounding alone makes a constant column differ from its mean.
    const bool constant = std <= 1e-12 * (std::abs(mean) + 1e-300);
    classifier.mean(d) = mean;
    classifier.std(d) = constant ? 1 : std;
    for (Index r = 0; r < rows; ++r) x(r, d) = (x(r, d) - mean) / classifier.std(d);
  }

  // Columns of x have mean 0, so the bias is the share of each class and drops out of the rest.
  Tensor<double, 2> targets({rows, classes});
  std::fill(classifier.bias.begin(), classifier.bias.end(), 0.0);
  for (const Index label : labels) classifier.bias(label) += 1 / count;
  for (Index r = 0; r < rows; ++r) {
    for (Index c = 0; c < classes; ++c) targets(r, c) = -classifier.bias(c);
    targets(r, labels[static_cast<std::size_t>(r)]) += 1;
  }
  Tensor<double, 2> gram({width, width});
  Tensor<double, 2> moments({width, classes});
  kernels::matmul_tn<double>(kernels::view(x), kernels::view(x), kernels::view(gram));
  kernels::matmul_tn<double>(kernels::view(x), kernels::view(targets), kernels::view(moments));
  for (Index d = 0; d < width; ++d) gram(d, d) += ridge * count;
  const Eigen::LLT<Eigen::MatrixXd> factors(gram.matrix());
  if (factors.info() != Eigen::Success) {
    refuse(op, "features ", features.shape(), " repeat themselves too exactly for ridge = ", ridge,
           "; a larger one can be solved");
  }
  classifier.weight.matrix() = factors.solve(moments.matrix());
  return classifier;
}

}  // namespace tessera::eval
