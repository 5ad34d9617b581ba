#pragma once

#include "tessera/autograd/record.hpp"
#include "tessera/core/size.hpp"
#include "tessera/kernels/bicubic.hpp"

namespace tessera {

/// positions [1, prefix + H W, D] of a grid H x W -> [1, prefix + H' W', D] for another grid:
/// prefix rows stay, the rest is resampled by target size, rows and columns apart. Throws
/// std::invalid_argument if the table is not that of `from`, or if a grid is empty.
template <std::floating_point Scalar>
Var<Scalar, 3> resample_positions(const Var<Scalar, 3>& positions, Index prefix, const Size& from,
                                  const Size& to, kernels::Bicubic filter) {
  if (from.height <= 0 || from.width <= 0 || to.height <= 0 || to.width <= 0) {
    refuse("resample_positions", "grids ", from, " and ", to, " must not be empty");
  }
  if (prefix < 0 || positions.dim(0) != 1 || positions.dim(1) != prefix + from.count()) {
    refuse("resample_positions", "positions ", positions.shape(), " are not those of ", prefix,
           " prefix tokens and a grid of ", from);
  }
  if (from == to) return positions;
  const Index dim = positions.dim(2);
  CachedVector<kernels::Tap> taps = kernels::bicubic_taps(from, to, filter);
  const auto add_scaled = [dim](const Scalar* in, double weight, Scalar* out) {
    for (Index c = 0; c < dim; ++c) out[c] += static_cast<Scalar>(weight) * in[c];
  };
  Tensor<Scalar, 3> out({1, prefix + to.count(), dim});
  std::copy_n(positions.value().data(), prefix * dim, out.data());
  for (const kernels::Tap& tap : taps) {
    add_scaled(positions.value().row(prefix + tap.source), tap.weight,
               out.row(prefix + tap.output));
  }
  return record(
      "resample_positions", std::move(out),
      [dpositions = positions.gradient(), taps = std::move(taps), prefix,
       add_scaled](const Tensor<Scalar, 3>& dout) {
        Tensor<Scalar, 3> result(dpositions.shape());
        std::copy_n(dout.data(), prefix * dout.dim(2), result.data());
        for (const kernels::Tap& tap : taps) {
          add_scaled(dout.row(prefix + tap.output), tap.weight, result.row(prefix + tap.source));
        }
        dpositions.add(std::move(result));
      },
      positions);
}

}  // namespace tessera
