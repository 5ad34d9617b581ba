#pragma once

#include "tessera/core/eigen.hpp"

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>
#include <concepts>
#include <limits>
#include <string_view>

#include "tessera/core/tensor.hpp"
#include "tessera/kernels/matmul/matmul.hpp"

namespace tessera::eval {

// Measures of features without labels: how many directions they use, and how evenly. All compute in
// double and have the same bits for any number of threads.

namespace detail {

/// features in double. Throws std::invalid_argument unless there are `least_rows` rows, a column,
/// and finite values alone.
template <std::floating_point Scalar, int Rank>
Tensor<double, Rank> finite_features(std::string_view op, const Tensor<Scalar, Rank>& features,
                                     Index least_rows) {
  if (features.rows() < least_rows || features.cols() < 1) {
    refuse(op, "features ", features.shape(), " must have at least ", least_rows,
           " rows and one column");
  }
  Tensor<double, Rank> converted = features.template cast<double>();
  for (const double value : converted) {
    if (!std::isfinite(value)) {
      refuse(op, "features ", features.shape(), " hold a value that is not finite");
    }
  }
  return converted;
}

/// Eigenvalues of a^T a, smallest first. Those of the smaller of a^T a and a a^T are computed: the
/// others are 0. a [R, D].
inline Eigen::VectorXd eigenvalues_of_squares(const Tensor<double, 2>& a) {
  const Index count = std::min(a.dim(0), a.dim(1));
  Tensor<double, 2> product({count, count});
  if (a.dim(0) < a.dim(1)) {
    kernels::matmul_nt<double>(kernels::view(a), kernels::view(a), kernels::view(product));
  } else {
    kernels::matmul_tn<double>(kernels::view(a), kernels::view(a), kernels::view(product));
  }
  using Solver = Eigen::SelfAdjointEigenSolver<Eigen::MatrixXd>;
  return Solver(product.matrix(), Eigen::EigenvaluesOnly).eigenvalues().cwiseMax(0.0);
}

/// exp of the entropy of the weights, which are divided by their sum first; each then gets
/// `smoothing` more, as the measures below define it.
inline double effective_count(const Eigen::VectorXd& weights, double smoothing) {
  const double total = weights.sum();
  double entropy = 0;
  for (const double weight : weights) {
    const double share = weight / total + smoothing;
    if (share > 0) entropy -= share * std::log(share);
  }
  return std::exp(entropy);
}

/// Takes the mean of each column from it. x [R, D].
inline void center_columns(Tensor<double, 2>& x) {
  for (Index d = 0; d < x.dim(1); ++d) {
    double sum = 0;
    for (Index r = 0; r < x.dim(0); ++r) sum += x(r, d);
    const double mean = sum / static_cast<double>(x.dim(0));
    for (Index r = 0; r < x.dim(0); ++r) x(r, d) -= mean;
  }
}

}  // namespace detail

/// RankMe (Garrido et al. 2023, section 3): exp of the entropy of the singular values of features
/// [R, D], which are not centered; from about 1 to min(R, D). `smoothing` is added to each share of
/// the singular values. Throws std::invalid_argument if there is no row, a value is not finite, or
/// all are 0.
template <std::floating_point Scalar>
double rank_me(const Tensor<Scalar, 2>& features, double smoothing = 1e-7) {
  const Tensor<double, 2> z = detail::finite_features("rank_me", features, 1);
  const Eigen::VectorXd singular = detail::eigenvalues_of_squares(z).cwiseSqrt();
  if (singular.maxCoeff() == 0) refuse("rank_me", "features ", features.shape(), " are all 0");
  return detail::effective_count(singular, smoothing);
}

/// LiDAR (Thilak et al. 2024, section 4): over how many directions different pictures differ more
/// than views of one picture. features [n, q, D] are those of q views of each of n pictures; the
/// result is at most min(n - 1, D), and 0 if different pictures do not differ at all. Within-class
/// covariance gets `ridge` on its diagonal, each eigenvalue `smoothing`. Throws
/// std::invalid_argument unless n and q are at least 2 and all values finite.
template <std::floating_point Scalar>
double lidar(const Tensor<Scalar, 3>& features, double ridge = 1e-4, double smoothing = 1e-8) {
  constexpr std::string_view op = "lidar";
  const Index pictures = features.dim(0);
  const Index views = features.dim(1);
  const Index width = features.dim(2);
  if (pictures < 2 || views < 2) {
    refuse(op, "features ", features.shape(),
           " must be of two pictures or more, two views or more");
  }
  Tensor<double, 3> within = detail::finite_features(op, features, 1);
  auto means = Tensor<double, 2>::empty({pictures, width});
  for (Index p = 0; p < pictures; ++p) {
    for (Index d = 0; d < width; ++d) {
      double sum = 0;
      for (Index v = 0; v < views; ++v) sum += within(p, v, d);
      means(p, d) = sum / static_cast<double>(views);
      for (Index v = 0; v < views; ++v) within(p, v, d) -= means(p, d);
    }
  }
  detail::center_columns(means);
  const auto covariance = [&](const auto& centered, Index freedom) {
    Tensor<double, 2> squares({width, width});
    kernels::matmul_tn<double>(kernels::view(centered), kernels::view(centered),
                               kernels::view(squares));
    return Eigen::MatrixXd(squares.matrix() / static_cast<double>(freedom));
  };
  const Eigen::MatrixXd between = covariance(means, pictures - 1);
  Eigen::MatrixXd inner = covariance(within, pictures * (views - 1));
  inner.diagonal().array() += ridge;
  // The eigenvalues of inner^-1/2 between inner^-1/2 are those of the pair (between, inner).
  const Eigen::GeneralizedSelfAdjointEigenSolver<Eigen::MatrixXd> solver(
      between, inner, Eigen::EigenvaluesOnly | Eigen::Ax_lBx);
  const Eigen::VectorXd eigenvalues = solver.eigenvalues().cwiseMax(0.0);
  if (eigenvalues.maxCoeff() == 0) return 0;
  return detail::effective_count(eigenvalues.array() + smoothing, 0);
}

struct AlphaReqOptions {
  Index first = 11;  ///< ranks of the eigenvalues that the line is fitted through, from 1 on
  Index last = 50;
  bool weighted = true;  ///< rank j has the weight 1 / j; all have the same otherwise
};

/// alpha-ReQ (Agrawal et al. 2022): how fast the eigenvalues of the covariance of features [R, D]
/// fall, as the exponent alpha of lambda_j = c j^-alpha, by least squares through (ln j, ln
/// lambda_j). About 1 is good; far below, features are noise, far above, they use few directions.
/// Throws std::invalid_argument unless 1 <= first < last <= min(R - 1, D) and the eigenvalues of
/// these ranks are positive.
template <std::floating_point Scalar>
double alpha_req(const Tensor<Scalar, 2>& features, const AlphaReqOptions& options = {}) {
  constexpr std::string_view op = "alpha_req";
  Tensor<double, 2> x = detail::finite_features(op, features, 2);
  const Index most = std::min(x.dim(0) - 1, x.dim(1));
  if (options.first < 1 || options.first >= options.last || options.last > most) {
    refuse(op, "ranks ", options.first, " to ", options.last, " are not in [1, ", most,
           "], the eigenvalues of features ", features.shape());
  }
  detail::center_columns(x);
  const Eigen::VectorXd eigenvalues =
      detail::eigenvalues_of_squares(x) / static_cast<double>(x.dim(0) - 1);
  // An eigenvalue of 0 comes out as large as this.
  const double rounding = std::numeric_limits<double>::epsilon() *
                          static_cast<double>(std::max(x.dim(0), x.dim(1))) *
                          eigenvalues.maxCoeff();

  double weights = 0;
  double mean_x = 0;
  double mean_y = 0;
  const auto for_each_rank = [&](const auto& use) {
    for (Index j = options.first; j <= options.last; ++j) {
      const double rank = static_cast<double>(j);
      use(options.weighted ? 1 / rank : 1.0, -std::log(rank),
          std::log(eigenvalues(eigenvalues.size() - j)));
    }
  };
  if (!(eigenvalues(eigenvalues.size() - options.last) > rounding)) {
    refuse(op, "features ", features.shape(), " use less than ", options.last, " directions");
  }
  for_each_rank([&](double weight, double x_of_rank, double y) {
    weights += weight;
    mean_x += weight * x_of_rank;
    mean_y += weight * y;
  });
  mean_x /= weights;
  mean_y /= weights;
  double products = 0;
  double squares = 0;
  for_each_rank([&](double weight, double x_of_rank, double y) {
    products += weight * (x_of_rank - mean_x) * (y - mean_y);
    squares += weight * (x_of_rank - mean_x) * (x_of_rank - mean_x);
  });
  return products / squares;
}

}  // namespace tessera::eval
