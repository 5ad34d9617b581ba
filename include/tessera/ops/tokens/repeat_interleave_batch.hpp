#pragma once

#include "tessera/ops/tokens/take_rows.hpp"

namespace tessera {

/// x [M * B, L, D] -> [M * repeat * B, L, D]: each chunk of B images is emitted `repeat` times in a
/// row, so that out[(m * repeat + r) * B + b] = x[m * B + b].
/// Throws std::invalid_argument unless batch > 0 divides the first axis and repeat >= 0.
template <std::floating_point Scalar>
Var<Scalar, 3> repeat_interleave_batch(const Var<Scalar, 3>& x, Index batch, Index repeat) {
  if (batch <= 0 || x.dim(0) % batch != 0) {
    refuse("repeat_interleave_batch", "x ", x.shape(), " is not made of chunks of batch = ", batch);
  }
  if (repeat < 0) refuse("repeat_interleave_batch", "repeat = ", repeat, " is negative");
  const Index length = x.dim(1);
  CachedVector<Index> source;
  source.reserve(static_cast<std::size_t>(x.value().rows() * repeat));
  for (Index chunk = 0; chunk < x.dim(0); chunk += batch) {
    for (Index r = 0; r < repeat; ++r) {
      for (Index row = chunk * length; row < (chunk + batch) * length; ++row) {
        source.push_back(row);
      }
    }
  }
  return detail::take_rows("repeat_interleave_batch", x, std::move(source),
                           Shape<3>{x.dim(0) * repeat, length, x.dim(2)});
}

}  // namespace tessera
