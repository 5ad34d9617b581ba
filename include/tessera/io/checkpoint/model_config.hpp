#pragma once

#include "tessera/core/inline.hpp"
#include "tessera/io/checkpoint/checkpoint.hpp"
#include "tessera/io/checkpoint/facts.hpp"
#include "tessera/models/ijepa.hpp"
#include "tessera/models/mae.hpp"

namespace tessera::io {

/// The encoder of a checkpoint. Throws std::runtime_error naming the file if it has none, or naming
/// the option that answers what cannot be told.
MaskedVisionTransformerConfig encoder_config(const Checkpoint& file, const CheckpointFacts& facts);

/// The MAE of a checkpoint with its decoder. Throws as encoder_config.
MAEConfig mae_config(const Checkpoint& file, const CheckpointFacts& facts);

/// The I-JEPA of a checkpoint with its predictor. Throws as encoder_config.
IJEPAConfig ijepa_config(const Checkpoint& file, const CheckpointFacts& facts);

/// The decoder or predictor of a checkpoint, alone. Its grid is that of its encoder; where there is
/// none, it must be square, unless the file is one of ours. Throws as encoder_config.
MaskedVisionTransformerDecoderConfig decoder_config(const Checkpoint& file,
                                                    const CheckpointFacts& facts);

}  // namespace tessera::io

#ifndef TESSERA_COMPILED_LIB
#include "tessera/io/checkpoint/model_config_impl.hpp"
#endif
