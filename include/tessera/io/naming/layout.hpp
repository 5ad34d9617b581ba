#pragma once

#include <array>

namespace tessera::io {

/// The kinds of model that a naming may have names for.
enum class Layout {
  plain,      ///< an encoder without LayerScale
  scaled,     ///< one with LayerScale
  gated,      ///< one with SwiGLU
  mae,        ///< encoder and decoder
  ijepa,      ///< both encoders and the predictor
  decoder,    ///< of an MAE, alone
  predictor,  ///< of an I-JEPA, alone
};
inline constexpr std::array<Layout, 7> all_layouts{
    Layout::plain, Layout::scaled,  Layout::gated,    Layout::mae,
    Layout::ijepa, Layout::decoder, Layout::predictor};

}  // namespace tessera::io
