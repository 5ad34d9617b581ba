#pragma once

#include "tessera/masking/token_index.hpp"
#include "tessera/ops/tokens/take_rows.hpp"

namespace tessera {

/// tokens [B, L, D], index [B, K] -> out[b, k] = tokens[b, index[b, k]] [B, K, D]. Duplicates are
/// allowed; their gradients accumulate.
/// Throws std::invalid_argument if index has other than B rows or leaves [0, L).
template <std::floating_point Scalar>
Var<Scalar, 3> get_at_index(const Var<Scalar, 3>& tokens, const TokenIndex& index) {
  const Index length = tokens.dim(1);
  check_token_index("get_at_index", "index", index, tokens.dim(0), length);
  CachedVector<Index> source;
  source.reserve(static_cast<std::size_t>(index.size()));
  for (Index b = 0; b < index.dim(0); ++b) {
    for (Index k = 0; k < index.dim(1); ++k) source.push_back(b * length + index(b, k));
  }
  return detail::take_rows("get_at_index", tokens, std::move(source),
                           Shape<3>{index.dim(0), index.dim(1), tokens.dim(2)});
}

}  // namespace tessera
