#pragma once

#include <array>
#include <cstddef>
#include <string_view>

namespace tessera::io {

/// What Tessera's own files have instead of a table of names: the names of the model itself.
inline constexpr std::string_view own_naming = "tessera";

/// What a checkpoint holds.
enum class ModelKind { encoder, mae, ijepa, decoder, predictor, other };

constexpr std::string_view kind_name(ModelKind kind) {
  constexpr std::array<std::string_view, 6> names{"encoder", "mae",       "ijepa",
                                                  "decoder", "predictor", "other"};
  return names[static_cast<std::size_t>(kind)];
}

}  // namespace tessera::io
