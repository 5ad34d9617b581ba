#pragma once

#include "tessera/core/eigen.hpp"

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>

#include "tessera/kernels/matmul/matmul.hpp"

namespace tessera {

namespace detail {

/// features [R, D] in double, each column less its mean [R, D]. Sums over the R rows are made in
/// double, here and below: their error is at most R 2^-53 of the sum of the values' sizes.
template <std::floating_point Scalar>
Tensor<double, 2> centered_features(std::string_view op, const Tensor<Scalar, 2>& features) {
  if (!(features.dim(0) > 1 && features.dim(1) > 0)) {
    refuse(op, "features ", features.shape(), " must have at least two rows and one column");
  }
  Tensor<double, 2> centered = features.template cast<double>();
  double largest = 0;
  for (const double value : centered) {
    if (!std::isfinite(value)) {
      refuse(op, "features ", features.shape(), " hold a value that is not finite");
    }
    largest = std::max(largest, std::abs(value));
  }
  const auto rows = static_cast<double>(centered.rows());
  // The mean of equal values may be off by this much.
  const double rounding = std::numeric_limits<double>::epsilon() * rows * largest;
  double spread = 0;
  for (Index d = 0; d < centered.cols(); ++d) {
    double sum = 0;
    for (Index r = 0; r < centered.rows(); ++r) sum += centered(r, d);
    for (Index r = 0; r < centered.rows(); ++r) {
      centered(r, d) -= sum / rows;
      spread = std::max(spread, std::abs(centered(r, d)));
    }
  }
  if (spread <= rounding) std::fill(centered.begin(), centered.end(), 0.0);
  return centered;
}

}  // namespace detail

/// features [R, D], one row per image -> standard deviation of each column, averaged. Falls towards
/// 0 when a model learns to answer the same for every image. Bardes et al., "VICReg", 2022, 4.1.
/// Throws std::invalid_argument if there are less than two rows, or if a value is not finite.
template <std::floating_point Scalar>
double feature_std(const Tensor<Scalar, 2>& features) {
  const Tensor<double, 2> centered = detail::centered_features("feature_std", features);
  double deviations = 0;
  for (Index d = 0; d < centered.cols(); ++d) {
    double squares = 0;
    for (Index r = 0; r < centered.rows(); ++r) squares += centered(r, d) * centered(r, d);
    deviations += std::sqrt(squares / static_cast<double>(centered.rows() - 1));
  }
  return deviations / static_cast<double>(centered.cols());
}

/// features [R, D], one row per image -> over how many directions they spread evenly: exp of the
/// entropy of the singular values of the centered features, from 1 (all on one line) to
/// min(R - 1, D); 0 if all rows are equal. Roy & Vetterli, "The effective rank", 2007; Garrido et
/// al., "RankMe", 2023, which does not center.
/// Throws as feature_std.
template <std::floating_point Scalar>
double effective_rank(const Tensor<Scalar, 2>& features) {
  const Tensor<double, 2> x = detail::centered_features("effective_rank", features);
  // The smaller of the two products has all eigenvalues that are not zero.
  const Index count = std::min(x.rows(), x.cols());
  Tensor<double, 2> product({count, count});
  if (x.rows() < x.cols()) {
    kernels::matmul_nt<double>(kernels::view(x), kernels::view(x), kernels::view(product));
  } else {
    kernels::matmul_tn<double>(kernels::view(x), kernels::view(x), kernels::view(product));
  }
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(product.matrix(),
                                                              Eigen::EigenvaluesOnly);
  const Eigen::VectorXd& eigenvalues = solver.eigenvalues();
  // Below this, rounding is all there is; its square root would not look small.
  const double least = 1e-12 * eigenvalues.maxCoeff();
  double total = 0;
  double weighted_logs = 0;
  for (const double eigenvalue : eigenvalues) {
    if (eigenvalue <= least) continue;
    const double singular = std::sqrt(eigenvalue);
    total += singular;
    weighted_logs += singular * std::log(singular);
  }
  return total > 0 ? std::exp(std::log(total) - weighted_logs / total) : 0;
}

}  // namespace tessera
