#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace tessera::io {

/// The naming of Tessera's own files, which need no table: the names of the model itself.
inline constexpr std::string_view own_naming = "tessera";

/// The kinds of model that a checkpoint may hold.
enum class ModelKind { encoder, mae, ijepa, decoder, predictor, other };

constexpr std::string_view kind_name(ModelKind kind) {
  constexpr std::array<std::string_view, 6> names{"encoder", "mae",       "ijepa",
                                                  "decoder", "predictor", "other"};
  return names[static_cast<std::size_t>(kind)];
}

}  // namespace tessera::io
