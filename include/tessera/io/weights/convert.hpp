#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "tessera/core/inline.hpp"
#include "tessera/io/checkpoint/facts.hpp"
#include "tessera/io/weights/export.hpp"
#include "tessera/io/weights/load.hpp"

namespace tessera::io {

struct ConvertOptions {
  std::optional<Dtype> dtype = std::nullopt;            ///< unset: every tensor keeps its own
  bool encoder_only = false;                            ///< leave a decoder out
  std::optional<EncoderChoice> encoder = std::nullopt;  ///< of an I-JEPA; implies encoder_only
  bool reject_non_finite = false;                       ///< refuse NaN and infinity
};

/// Writes a checkpoint in another naming as a safetensors file, without making its model: nothing
/// need be known that the names do not need, but every tensor of the model must be there. Heads and
/// modules beside the model are left out; a self-test goes along where parameters stay as they are.
/// Throws as open_checkpoint, and std::invalid_argument, also naming the file, if the naming does
/// not exist or cannot hold the model.
ExportReport convert_weights(const Checkpoint& file, const std::filesystem::path& path,
                             std::string_view naming, const ConvertOptions& options = {});

}  // namespace tessera::io

#ifndef TESSERA_COMPILED_LIB
#include "tessera/io/weights/convert_impl.hpp"
#endif
