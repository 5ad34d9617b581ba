#pragma once

#include <algorithm>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <numeric>
#include <span>
#include <string_view>
#include <vector>

#include "tessera/core/threads/parallel.hpp"
#include "tessera/kernels/matmul/matmul.hpp"

namespace tessera::eval {

/// For each query, its k nearest rows of another set, nearest first.
template <class Scalar>
struct Neighbors {
  Tensor<Index, 2> index;        ///< [Q, k]
  Tensor<Scalar, 2> similarity;  ///< [Q, k], cosines
};

namespace detail {

/// features [R, D], each row divided by its length. Throws std::invalid_argument if there is no
/// row, or a row has no direction: its length is 0 or not finite.
template <std::floating_point Scalar>
Tensor<Scalar, 2> unit_rows(std::string_view op, const Tensor<Scalar, 2>& features) {
  if (features.size() == 0) refuse(op, "features ", features.shape(), " are empty");
  Tensor<Scalar, 2> unit = features;
  for (Index r = 0; r < unit.dim(0); ++r) {
    double squares = 0;
    for (Index d = 0; d < unit.dim(1); ++d) {
      squares += static_cast<double>(unit(r, d)) * static_cast<double>(unit(r, d));
    }
    const double length = std::sqrt(squares);
    if (!(length > 0 && std::isfinite(length))) {
      refuse(op, "row ", r, " of features ", features.shape(), " has length ", length);
    }
    for (Index d = 0; d < unit.dim(1); ++d) {
      unit(r, d) = static_cast<Scalar>(static_cast<double>(unit(r, d)) / length);
    }
  }
  return unit;
}

/// Throws std::invalid_argument unless there is a label in [0, classes) for each of `rows`.
inline void check_labels(std::string_view op, std::span<const Index> labels, Index rows,
                         Index classes) {
  if (static_cast<Index>(labels.size()) != rows) {
    refuse(op, labels.size(), " labels do not fit ", rows, " rows of features");
  }
  for (std::size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] < 0 || labels[i] >= classes) {
      refuse(op, "label ", i, " = ", labels[i], " is not in [0, ", classes, ")");
    }
  }
}

}  // namespace detail

/// The k rows of `features` [N, D] of the largest cosine with each row of `queries` [Q, D]. Equal
/// cosines are in the order of their rows, so that the result has the same bits for any number of
/// threads. Throws std::invalid_argument if the widths differ, k is not in [1, N], or a row has no
/// direction.
template <std::floating_point Scalar>
Neighbors<Scalar> nearest_neighbors(const Tensor<Scalar, 2>& features,
                                    const Tensor<Scalar, 2>& queries, Index k) {
  constexpr std::string_view op = "nearest_neighbors";
  if (features.dim(1) != queries.dim(1)) {
    refuse(op, "features ", features.shape(), " and queries ", queries.shape(), " differ in width");
  }
  const Index count = features.dim(0);
  if (k < 1 || k > count)
    refuse(op, "k = ", k, " is not in [1, ", count, "], the rows of features");
  const Tensor<Scalar, 2> rows = detail::unit_rows(op, features);
  const Tensor<Scalar, 2> asked = detail::unit_rows(op, queries);

  Neighbors<Scalar> found{Tensor<Index, 2>::empty({asked.dim(0), k}),
                          Tensor<Scalar, 2>::empty({asked.dim(0), k})};
  // Some queries at a time, so that memory grows with N and not with Q N.
  constexpr Index at_once = 64;
  auto cosines = Tensor<Scalar, 2>::empty({std::min(at_once, asked.dim(0)), count});
  for (Index first = 0; first < asked.dim(0); first += at_once) {
    const Index queries_now = std::min(at_once, asked.dim(0) - first);
    kernels::matmul_nt<Scalar>(kernels::view(asked).middle_rows(first, queries_now),
                               kernels::view(rows),
                               kernels::view(cosines).middle_rows(0, queries_now));
    parallel_ranges(queries_now, 1, [&](Index begin, Index end) {
      std::vector<Index> order(static_cast<std::size_t>(count));
      for (Index q = begin; q < end; ++q) {
        const Scalar* row = cosines.row(q);
        std::iota(order.begin(), order.end(), Index{0});
        std::partial_sort(order.begin(), order.begin() + k, order.end(), [&](Index a, Index b) {
          return row[a] > row[b] || (row[a] == row[b] && a < b);
        });
        for (Index i = 0; i < k; ++i) {
          const Index neighbor = order[static_cast<std::size_t>(i)];
          found.index(first + q, i) = neighbor;
          found.similarity(first + q, i) = row[neighbor];
        }
      }
    });
  }
  return found;
}

/// The column of the largest value of each row of `scores` [R, C]; the first of equal ones.
/// Throws std::invalid_argument if a row is empty.
template <class Scalar>
std::vector<Index> largest_of_rows(const Tensor<Scalar, 2>& scores) {
  if (scores.dim(1) < 1) refuse("largest_of_rows", "scores ", scores.shape(), " have no columns");
  std::vector<Index> largest;
  for (Index r = 0; r < scores.dim(0); ++r) {
    const Scalar* row = scores.row(r);
    largest.push_back(std::max_element(row, row + scores.dim(1)) - row);
  }
  return largest;
}

struct KnnOptions {
  Index k = 20;
  double temperature = 0.07;
};

/// The share of each class in the votes of each query's neighbors, [Q, classes]; a row adds up
/// to 1. A neighbor's weight is exp(cosine / temperature). `labels` are those of the rows that the
/// neighbors are of. Throws std::invalid_argument unless the temperature is positive, every label in
/// [0, classes), and every neighbor has one.
template <std::floating_point Scalar>
Tensor<double, 2> knn_votes(const Neighbors<Scalar>& neighbors, std::span<const Index> labels,
                            Index classes, double temperature) {
  if (!(temperature > 0)) refuse("knn_votes", "temperature = ", temperature, " is not positive");
  detail::check_labels("knn_votes", labels, static_cast<Index>(labels.size()), classes);
  for (const Index row : neighbors.index) {
    if (row < 0 || row >= static_cast<Index>(labels.size())) {
      refuse("knn_votes", "there is a neighbor ", row, ", but ", labels.size(), " labels");
    }
  }
  Tensor<double, 2> votes({neighbors.index.dim(0), classes});
  for (Index q = 0; q < votes.dim(0); ++q) {
    double total = 0;
    for (Index i = 0; i < neighbors.index.dim(1); ++i) {
      // Less the largest cosine, which changes no share: exp of 1 / temperature may be too large.
      const double cosine = static_cast<double>(neighbors.similarity(q, i)) -
                            static_cast<double>(neighbors.similarity(q, 0));
      const double weight = std::exp(cosine / temperature);
      votes(q, labels[static_cast<std::size_t>(neighbors.index(q, i))]) += weight;
      total += weight;
    }
    for (Index c = 0; c < classes; ++c) votes(q, c) /= total;
  }
  return votes;
}

/// The class of each query by the votes of its neighbors: the weighted k-nearest-neighbors
/// classifier of Wu et al. 2018 (section 3.4) that DINO, DINOv2 and lightly evaluate with. The
/// lower class wins a tie.
///
/// `features` [N, D] with N `labels` in [0, classes), `queries` [Q, D]; returns Q classes. Throws
/// what nearest_neighbors and knn_votes throw.
template <std::floating_point Scalar>
std::vector<Index> knn_classify(const Tensor<Scalar, 2>& features, std::span<const Index> labels,
                                Index classes, const Tensor<Scalar, 2>& queries,
                                const KnnOptions& options = {}) {
  detail::check_labels("knn_classify", labels, features.dim(0), classes);
  const Neighbors<Scalar> neighbors = nearest_neighbors(features, queries, options.k);
  return largest_of_rows(knn_votes(neighbors, labels, classes, options.temperature));
}

/// Share of the predictions that are right. Throws std::invalid_argument if the counts differ or
/// there is none.
inline double accuracy(std::span<const Index> predicted, std::span<const Index> labels) {
  if (predicted.size() != labels.size() || labels.empty()) {
    refuse("accuracy", predicted.size(), " predictions for ", labels.size(), " labels");
  }
  std::size_t right = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) right += predicted[i] == labels[i] ? 1 : 0;
  return static_cast<double>(right) / static_cast<double>(labels.size());
}

}  // namespace tessera::eval
