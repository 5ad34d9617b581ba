#pragma once

#include "tessera/masking/token_index.hpp"
#include "tessera/ops/tokens/take_rows.hpp"

namespace tessera {

/// tokens [B, K, D], positions [1, P, D] -> tokens plus one row of the table each [B, K, D]. Token
/// k of image b stands at place idx[b, k] of the sequence (at k without idx); place `first` has row
/// 0 of the table, and the places before it have none.
/// Throws std::invalid_argument where the shapes do not fit or a place lies outside.
template <std::floating_point Scalar>
Var<Scalar, 3> add_positions(const Var<Scalar, 3>& tokens, const Var<Scalar, 3>& positions,
                             const std::optional<TokenIndex>& idx = std::nullopt, Index first = 0) {
  const Index batch = tokens.dim(0);
  const Index count = tokens.dim(1);
  const Index cols = tokens.dim(2);
  if (positions.dim(0) != 1 || positions.dim(2) != cols) {
    refuse("add_positions", "positions ", positions.shape(),
           " must be [1, P, D] with the width of tokens ", tokens.shape());
  }
  if (first < 0) refuse("add_positions", "first = ", first, " is negative");
  const Index length = first + positions.dim(1);
  if (idx) {
    check_token_index("add_positions", "idx", *idx, batch, length);
    if (idx->dim(1) != count) {
      refuse("add_positions", "idx ", idx->shape(), " must name a place for each of tokens ",
             tokens.shape());
    }
  } else if (count != length) {
    refuse("add_positions", "tokens ", tokens.shape(), " must have the ", length,
           " places of positions ", positions.shape());
  }
  CachedVector<Index> source;
  source.reserve(static_cast<std::size_t>(batch * count));
  for (Index b = 0; b < batch; ++b) {
    for (Index k = 0; k < count; ++k) {
      source.push_back(std::max<Index>(-1, (idx ? (*idx)(b, k) : k) - first));
    }
  }
  Tensor<Scalar, 3> out = tokens.value();
  parallel_ranges(out.rows(), kernels::rows_per_cell(cols), [&](Index begin, Index end) {
    for (Index r = begin; r < end; ++r) {
      const Index place = source[static_cast<std::size_t>(r)];
      for (Index c = 0; place >= 0 && c < cols; ++c) {
        out.row(r)[c] += positions.value().row(place)[c];
      }
    }
  });
  return record(
      "add_positions", std::move(out),
      [dtokens = tokens.gradient(), dpositions = positions.gradient(),
       source = std::move(source)](Tensor<Scalar, 3> dout) {
        if (dpositions.wanted()) {
          Tensor<Scalar, 3> result(dpositions.shape());
          detail::scatter_add_rows(dout.data(), result.data(), source, result.rows(),
                                   result.cols());
          dpositions.add(std::move(result));
        }
        dtokens.add(std::move(dout));
      },
      tokens, positions);
}

}  // namespace tessera
