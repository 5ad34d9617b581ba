#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tessera/core/size.hpp"
#include "tessera/io/naming/layout.hpp"
#include "tessera/io/tensors/dtype.hpp"

namespace tessera::io {

/// An account of what was written. Names are the model's parameters.
struct ExportReport {
  std::vector<std::string> written;
  /// An encoder's mask token, where a naming has none; of a converted file also heads and modules
  /// beside the model.
  std::vector<std::string> left_out;
};

namespace detail {

/// A tensor of a model by our name.
template <class Scalar>
struct NamedTensor {
  std::string name;
  std::vector<Index> shape;
  std::span<const Scalar> values;
  Dtype dtype;
};

/// Sizes of a model that names cannot tell.
struct ModelShape {
  Layout layout = Layout::plain;
  bool class_token = false;
  Index reg_tokens = 0;
  Index position_prefix = 0;  ///< rows of the encoder's positions that are for prefix tokens
  std::optional<Size> grid = std::nullopt;
  Index in_chans = 3;
  Index dim = 0;
  Index mlp_hidden = 0;  ///< columns of the last layer of the encoder's MLP
};

constexpr Layout encoder_layout(bool gated, bool layer_scale) {
  return gated ? Layout::gated : layer_scale ? Layout::scaled : Layout::plain;
}

}  // namespace detail
}  // namespace tessera::io
