#pragma once

#include <string>

#include "tessera/core/inline.hpp"
#include "tessera/io/checkpoint/facts.hpp"

namespace tessera::io {

/// The config.json of Hugging Face's class for the model of a checkpoint: ViTMAEForPreTraining,
/// IJepaModel (no class token), Dinov2Model, Dinov2WithRegistersModel (LayerScale) or ViTModel.
/// Throws std::runtime_error as encoder_config where a fact is not known, and if none of these
/// classes has such a model.
std::string hugging_face_config(const Checkpoint& file, const CheckpointFacts& facts,
                                bool encoder_only = false);

}  // namespace tessera::io

#ifndef TESSERA_COMPILED_LIB
#include "tessera/io/weights/hugging_face_config_impl.hpp"
#endif
