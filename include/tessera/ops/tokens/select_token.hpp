#pragma once

#include "tessera/ops/tokens/take_rows.hpp"

namespace tessera {

/// tokens [B, L, D] -> token `position` of every image [B, D].
/// Throws std::invalid_argument if it does not exist.
template <std::floating_point Scalar>
Var<Scalar, 2> select_token(const Var<Scalar, 3>& tokens, Index position) {
  if (!(position >= 0 && position < tokens.dim(1))) {
    refuse("select_token", "position ", position, " is not in tokens ", tokens.shape());
  }
  CachedVector<Index> source;
  for (Index b = 0; b < tokens.dim(0); ++b) source.push_back(b * tokens.dim(1) + position);
  return detail::take_rows("select_token", tokens, std::move(source),
                           Shape<2>{tokens.dim(0), tokens.dim(2)});
}

}  // namespace tessera
