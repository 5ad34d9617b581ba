#pragma once

#include <string>

#include "tessera/io/checkpoint/known.hpp"
#include "tessera/io/image/preprocessing.hpp"

namespace tessera::io {

struct Checkpoint;

/// The way from images to the model of a checkpoint, and where it is stated: the file's
/// metadata; preprocessor_config.json beside it (see hugging_face_preprocessing); timm's
/// config.json (see timm_preprocessing); else, as Origin::standard, the way in which the code that
/// has these names evaluates at `image_size`: torchvision's presets, and for all others MAE's.
/// Throws std::runtime_error naming the file whose settings are not understood.
Known<Preprocessing> known_preprocessing(const Checkpoint& file, const Size& image_size);

/// The value of known_preprocessing.
Preprocessing preprocessing_for(const Checkpoint& file, const Size& image_size);

/// "224 x 224 from a shorter side of 256 (bicubic), mean ..., std ...".
std::string preprocessing_text(const Preprocessing& how);

}  // namespace tessera::io

#ifndef TESSERA_COMPILED_LIB
#include "tessera/io/preprocessing/choose_impl.hpp"
#endif
