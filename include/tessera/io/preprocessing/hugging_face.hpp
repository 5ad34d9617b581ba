#pragma once

#include <string_view>

#include "tessera/io/image/preprocessing.hpp"

namespace tessera::io {

class JsonValues;

/// The settings of a preprocessor_config.json, as transformers 5.24 reads it with Pillow: what its
/// keys mean, and what holds where one is missing, is decided by the class that it names
/// (image_processor_type, or feature_extractor_type of older files; "Fast" and "Pil" at the end
/// change nothing here). `model_type`, of the model's config.json, decides where it names none.
///
/// Throws std::runtime_error naming the file: on a class that is not known, with those that are; on
/// a key that is not understood; on values that are of no kind the class takes, or that make no
/// image of one size.
Preprocessing hugging_face_preprocessing(const JsonValues& json, std::string_view model_type = "");

}  // namespace tessera::io

#ifndef TESSERA_COMPILED_LIB
#include "tessera/io/preprocessing/hugging_face_impl.hpp"
#endif
