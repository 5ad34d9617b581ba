#pragma once

#include "tessera/ops/tokens/take_rows.hpp"

namespace tessera {

/// tokens [B, L, D] -> tokens [first, first + count) of every image [B, count, D].
/// Throws std::invalid_argument if they do not exist.
template <std::floating_point Scalar>
Var<Scalar, 3> slice_tokens(const Var<Scalar, 3>& tokens, Index first, Index count) {
  const Index length = tokens.dim(1);
  if (first < 0 || count < 0 || count > length - first) {
    refuse("slice_tokens", "first = ", first, " and count = ", count, " do not fit tokens ",
           tokens.shape());
  }
  if (count == length) return tokens;
  CachedVector<Index> source;
  source.reserve(static_cast<std::size_t>(tokens.dim(0) * count));
  for (Index b = 0; b < tokens.dim(0); ++b) {
    for (Index k = 0; k < count; ++k) source.push_back(b * length + first + k);
  }
  return detail::take_rows("slice_tokens", tokens, std::move(source),
                           Shape<3>{tokens.dim(0), count, tokens.dim(2)});
}

/// tokens [B, L, D] -> token `position` of every image [B, D].
/// Throws std::invalid_argument if it does not exist.
template <std::floating_point Scalar>
Var<Scalar, 2> select_token(const Var<Scalar, 3>& tokens, Index position) {
  if (position < 0 || position >= tokens.dim(1)) {
    refuse("select_token", "position ", position, " is not in tokens ", tokens.shape());
  }
  CachedVector<Index> source;
  for (Index b = 0; b < tokens.dim(0); ++b) source.push_back(b * tokens.dim(1) + position);
  return detail::take_rows("select_token", tokens, std::move(source),
                           Shape<2>{tokens.dim(0), tokens.dim(2)});
}

}  // namespace tessera
