#pragma once

#include <cmath>

#include "tessera/core/size.hpp"
#include "tessera/nn/parameter.hpp"

namespace tessera {

/// Two-dimensional sine-cosine table [1, prefix + H W, dim]: zero rows for the prefix tokens, then
/// for the patch at (row, column) [sin(column w), cos(column w), sin(row w), cos(row w)] with
/// w_k = 10000^(-k / (dim / 4)): the column half first, as every published MAE and I-JEPA
/// checkpoint has it. Computed in double. He et al., 2021, A.1.
/// Throws std::invalid_argument unless dim is a positive multiple of 4 and the grid not empty.
template <std::floating_point Scalar>
Tensor<Scalar, 3> sincos_position_embedding(Index dim, const Size& grid, Index prefix = 0) {
  constexpr Index max_prefix = Index{1} << 32;
  if (dim <= 0 || dim % 4 != 0) {
    refuse("sincos_position_embedding", "dim = ", dim, " must be a positive multiple of 4");
  }
  if (grid.height <= 0 || grid.width <= 0 || prefix < 0 || prefix >= max_prefix) {
    refuse("sincos_position_embedding", "grid ", grid, " with ", prefix,
           " prefix tokens is not possible");
  }
  Tensor<Scalar, 3> table({1, prefix + grid.count(), dim});
  const Index quarter = dim / 4;
  for (Index patch = 0; patch < grid.count(); ++patch) {
    Scalar* row = table.row(prefix + patch);
    for (Index k = 0; k < quarter; ++k) {
      const double omega =
          std::pow(10000.0, -static_cast<double>(k) / static_cast<double>(quarter));
      const double x = static_cast<double>(patch % grid.width) * omega;
      const double y = static_cast<double>(patch / grid.width) * omega;
      row[k] = static_cast<Scalar>(std::sin(x));
      row[quarter + k] = static_cast<Scalar>(std::cos(x));
      row[2 * quarter + k] = static_cast<Scalar>(std::sin(y));
      row[3 * quarter + k] = static_cast<Scalar>(std::cos(y));
    }
  }
  return table;
}

}  // namespace tessera
