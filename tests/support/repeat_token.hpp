#pragma once

#include "tessera/core/size.hpp"
#include "tessera/ops/tokens/take_rows.hpp"

namespace tessera::test {

/// token [1, 1, D] -> the token at every place of [batch, length, D].
/// Throws std::invalid_argument unless token is [1, 1, D] and the sizes are not negative.
template <std::floating_point Scalar>
Var<Scalar, 3> repeat_token(const Var<Scalar, 3>& token, Index batch, Index length) {
  if (!(token.dim(0) == 1 && token.dim(1) == 1)) {
    refuse("repeat_token", "token ", token.shape(), " must be [1, 1, D]");
  }
  if (!(batch >= 0 && length >= 0)) {
    refuse("repeat_token", "size ", Shape<2>{batch, length}, " is negative");
  }
  const auto places = static_cast<std::size_t>(Size{batch, length}.count());
  return tessera::detail::take_rows("repeat_token", token, CachedVector<Index>(places, 0),
                                    Shape<3>{batch, length, token.dim(2)});
}

}  // namespace tessera::test
