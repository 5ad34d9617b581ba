#pragma once

#include <algorithm>
#include <string>
#include <string_view>

#include "tessera/core/size.hpp"
#include "tessera/ops/tokens/resample_positions.hpp"

namespace tessera::io {

/// A position table: rows for prefix tokens, then one per patch.
struct PositionLayout {
  Index prefix = 0;
  Size grid;

  Index rows() const { return prefix + grid.count(); }
  friend bool operator==(const PositionLayout&, const PositionLayout&) = default;
};

/// The name of the position table beside a class token.
inline std::string position_table_beside(std::string_view class_token) {
  constexpr std::string_view token = "cls_token";
  return concat(class_token.substr(0, class_token.size() - token.size()), "pos_embed");
}

/// positions [1, P + N, D] -> [1, P' + N', D]: patches are resampled if the grids differ, prefix
/// rows beyond P are zero, those beyond P' are gone. A zero row means a token without a position.
/// Throws std::invalid_argument if the table is not that of `from`.
template <std::floating_point Scalar>
Tensor<Scalar, 3> adapt_positions(const Tensor<Scalar, 3>& positions, const PositionLayout& from,
                                  const PositionLayout& to, kernels::Bicubic filter) {
  const Tensor<Scalar, 3> resampled =
      resample_positions(Var(positions), from.prefix, from.grid, to.grid, filter).value();
  const Index dim = positions.dim(2);
  Tensor<Scalar, 3> adapted({1, to.rows(), dim});
  const Index kept = std::min(from.prefix, to.prefix);
  std::copy_n(resampled.data(), kept * dim, adapted.data());
  std::copy_n(resampled.row(from.prefix), to.grid.count() * dim, adapted.row(to.prefix));
  return adapted;
}

/// kernel [D, C, p, p] of a patch embedding -> [D, channels, p, p] as timm's adapt_input_conv: one
/// channel is the sum of all; of three, as many as wanted are repeated and scaled by 3 / channels.
/// Throws std::invalid_argument for any other pair.
template <std::floating_point Scalar>
Tensor<Scalar, 4> adapt_channels(const Tensor<Scalar, 4>& kernel, Index channels) {
  const Index had = kernel.dim(1);
  const bool possible = channels == 1 || (had == 3 && channels > 0);
  if (!possible) {
    refuse("adapt_channels", "kernel ", kernel.shape(), " cannot be adapted to ", channels,
           " channels: only to one, or from three");
  }
  const Index dim = kernel.dim(0);
  const Index pixels = kernel.dim(2) * kernel.dim(3);
  Tensor<Scalar, 4> adapted({dim, channels, kernel.dim(2), kernel.dim(3)});
  const Index read = channels == 1 ? had : channels;  // channels that are read, one after the other
  const Scalar factor = channels == 1 ? Scalar(1) : Scalar(3) / static_cast<Scalar>(channels);
  for (Index d = 0; d < dim; ++d) {
    for (Index c = 0; c < read; ++c) {
      const Index from = channels == 1 ? c : c % 3;
      const Index to = channels == 1 ? 0 : c;
      const Scalar* in = kernel.data() + (d * had + from) * pixels;
      Scalar* out = adapted.data() + (d * channels + to) * pixels;
      for (Index i = 0; i < pixels; ++i) out[i] += factor * in[i];
    }
  }
  return adapted;
}

}  // namespace tessera::io
