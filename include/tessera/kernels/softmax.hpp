#pragma once

#include <Eigen/Core>
#include <cmath>

#include "tessera/core/tensor.hpp"

namespace tessera::kernels {

/// In place: x[i] = exp(x[i]) / sum exp(x). Returns log(sum exp(x)).
template <class Scalar>
Scalar softmax_row(Scalar* x, Index count) {
  ArrayMap<Scalar> row(x, count);
  const Scalar largest = row.maxCoeff();
  row = (row - largest).exp();
  const Scalar sum = row.sum();
  row /= sum;
  return largest + std::log(sum);
}

/// In place: dy[i] becomes dx[i] = y[i] * (dy[i] - sum_j dy[j] y[j]).
template <class Scalar>
void softmax_row_backward(const Scalar* y, Scalar* dy, Index count) {
  const ConstArrayMap<Scalar> probability(y, count);
  ArrayMap<Scalar> gradient(dy, count);
  const Scalar dot = (probability * gradient).sum();
  gradient = probability * (gradient - dot);
}

}  // namespace tessera::kernels
