#pragma once

#include <Eigen/Eigenvalues>
#include <cmath>
#include <limits>
#include <string_view>

#include "tessera/core/tensor.hpp"

namespace tessera {

namespace detail {

/// features [R, D] in double, each column less its mean [R, D].
template <std::floating_point Scalar>
RowMajorMatrix<double> centred_features(std::string_view op, const Tensor<Scalar, 2>& features) {
  require(features.dim(0) > 1 && features.dim(1) > 0, op, "features ", features.shape(),
          " must have at least two rows and one column");
  RowMajorMatrix<double> centred = features.matrix().template cast<double>();
  require(centred.allFinite(), op, "features ", features.shape(),
          " hold a value that is not finite");
  // The mean of equal values may be off by this much.
  const double rounding = std::numeric_limits<double>::epsilon() *
                          static_cast<double>(centred.rows()) * centred.cwiseAbs().maxCoeff();
  const Eigen::RowVectorXd mean = centred.colwise().mean();
  centred.rowwise() -= mean;
  if (centred.cwiseAbs().maxCoeff() <= rounding) centred.setZero();
  return centred;
}

}  // namespace detail

/// features [R, D], one row per image -> standard deviation of each column, averaged. Falls towards
/// 0 when a model learns to answer the same for every image. Bardes et al., "VICReg", 2022, 4.1.
/// Throws std::invalid_argument if there are less than two rows, or if a value is not finite.
template <std::floating_point Scalar>
double feature_std(const Tensor<Scalar, 2>& features) {
  const RowMajorMatrix<double> centred = detail::centred_features("feature_std", features);
  const Eigen::RowVectorXd variance =
      centred.colwise().squaredNorm() / static_cast<double>(centred.rows() - 1);
  return variance.cwiseSqrt().mean();
}

/// features [R, D], one row per image -> over how many directions they spread evenly: exp of the
/// entropy of the singular values of the centred features, from 1 (all on one line) to
/// min(R - 1, D); 0 if all rows are equal. Roy & Vetterli, "The effective rank", 2007; Garrido et
/// al., "RankMe", 2023, which does not centre.
/// Throws as feature_std.
template <std::floating_point Scalar>
double effective_rank(const Tensor<Scalar, 2>& features) {
  const RowMajorMatrix<double> x = detail::centred_features("effective_rank", features);
  // The smaller of the two products has all eigenvalues that are not zero.
  const Eigen::MatrixXd product =
      x.rows() < x.cols() ? Eigen::MatrixXd(x * x.transpose()) : Eigen::MatrixXd(x.transpose() * x);
  const Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd> solver(product, Eigen::EigenvaluesOnly);
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
