#pragma once

#include "tessera/autograd/tape.hpp"
#include "tessera/core/size.hpp"
#include "tessera/kernels/bicubic.hpp"

namespace tessera {

/// positions [1, prefix + H W, D] of a grid H x W -> [1, prefix + H' W', D] for another grid:
/// prefix rows stay, the rest is resampled by target size, rows and columns apart. Throws
/// std::invalid_argument if the table is not that of `from`, or if a grid is empty.
template <std::floating_point Scalar>
Var<Scalar, 3> resample_positions(const Var<Scalar, 3>& positions, Index prefix, const Size& from,
                                  const Size& to, kernels::Bicubic filter) {
  require(from.height > 0 && from.width > 0 && to.height > 0 && to.width > 0, "resample_positions",
          "grids ", from, " and ", to, " must not be empty");
  require(prefix >= 0 && positions.dim(0) == 1 && positions.dim(1) == prefix + from.count(),
          "resample_positions", "positions ", positions.shape(), " are not those of ", prefix,
          " prefix tokens and a grid of ", from);
  if (from == to) return positions;
  const Index dim = positions.dim(2);
  const auto down = kernels::bicubic_taps(from.height, to.height, filter);
  const auto across = kernels::bicubic_taps(from.width, to.width, filter);
  // Calls f(output row, input row, weight) for every pair that has one.
  const auto for_each_pair = [=](const auto& f) {
    for (Index p = 0; p < prefix; ++p) f(p, p, 1.0);
    for (Index y = 0; y < to.height; ++y) {
      for (Index x = 0; x < to.width; ++x) {
        for (const kernels::Tap& v : down[static_cast<std::size_t>(y)]) {
          for (const kernels::Tap& h : across[static_cast<std::size_t>(x)]) {
            f(prefix + y * to.width + x, prefix + v.source * from.width + h.source,
              v.weight * h.weight);
          }
        }
      }
    }
  };
  const auto add_scaled = [dim](const Scalar* in, double weight, Scalar* out) {
    for (Index c = 0; c < dim; ++c) out[c] += static_cast<Scalar>(weight) * in[c];
  };
  Tensor<Scalar, 3> out({1, prefix + to.count(), dim});
  for_each_pair([&](Index output, Index input, double weight) {
    add_scaled(positions.value().row(input), weight, out.row(output));
  });
  return record(
      "resample_positions", std::move(out),
      [dpositions = positions.gradient(), for_each_pair,
       add_scaled](const Tensor<Scalar, 3>& dout) {
        Tensor<Scalar, 3> result(dpositions.shape());
        for_each_pair([&](Index output, Index input, double weight) {
          add_scaled(dout.row(output), weight, result.row(input));
        });
        dpositions.add(std::move(result));
      },
      positions);
}

}  // namespace tessera
