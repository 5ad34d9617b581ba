#pragma once

#include "tessera/io/image/preprocessing.hpp"

namespace tessera::io {

class JsonValues;

/// The settings in pretrained_cfg of timm's config.json, as timm 1.0.31 reads them
/// (resolve_data_config, transforms_imagenet_eval): input_size, also of unlike sides, crop_pct,
/// crop_mode (center, squash, border), interpolation, mean and std. Throws std::runtime_error
/// naming the file, on a key of pretrained_cfg that timm does not have too.
Preprocessing timm_preprocessing(const JsonValues& json);

}  // namespace tessera::io

#ifndef TESSERA_COMPILED_LIB
#include "tessera/io/preprocessing/timm_impl.hpp"
#endif
