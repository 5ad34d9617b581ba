#pragma once

#include <array>
#include <string_view>

#include "tessera/io/image/resample.hpp"
#include "tessera/io/image/to_tensor.hpp"

// Image processors of transformers, class by class.

namespace tessera::io::detail {

/// Sides as preprocessor_config.json writes them: either both, or the shorter one and perhaps the
/// most that the longer one may be.
struct SizeSetting {
  Size exact{};
  Index shortest_edge = 0;
  Index longest_edge = 0;
};

/// Settings that a class of transformers has where its file is silent.
struct ImageProcessorClass {
  std::string_view name;
  Filter filter = Filter::bicubic;
  Normalization normalization = {};
  SizeSetting size = {};
  bool default_to_square = true;  ///< a size of one number is both sides, else the shorter one
  Size crop_size = {};            ///< 0 x 0: none
  bool center_crop = false;
  std::string_view own_key = {};  ///< a key that this class alone knows
};

inline constexpr Normalization normalize_to_one{{0.5, 0.5, 0.5}, {0.5, 0.5, 0.5}};
inline constexpr Normalization normalize_as_clip{{0.48145466, 0.4578275, 0.40821073},
                                                 {0.26862954, 0.26130258, 0.27577711}};

/// transformers 5.24, models/*/image_processing_*.py: the classes that do no more than resize, cut
/// and normalize. (ConvNextImageProcessor has a way of its own with size.)
inline constexpr auto image_processor_classes = std::to_array<ImageProcessorClass>({
    {.name = "BeitImageProcessor",
     .normalization = normalize_to_one,
     .size = {.exact = {224, 224}},
     .crop_size = {224, 224},
     .own_key = "do_reduce_labels"},
    {.name = "BitImageProcessor",
     .normalization = normalize_as_clip,
     .size = {.shortest_edge = 224},
     .default_to_square = false,
     .crop_size = {224, 224},
     .center_crop = true},
    {.name = "BlipImageProcessor",
     .normalization = normalize_as_clip,
     .size = {.exact = {384, 384}}},
    {.name = "CLIPImageProcessor",
     .normalization = normalize_as_clip,
     .size = {.shortest_edge = 224},
     .default_to_square = false,
     .crop_size = {224, 224},
     .center_crop = true,
     .own_key = "use_square_size"},
    {.name = "ChineseCLIPImageProcessor",
     .normalization = normalize_as_clip,
     .size = {.shortest_edge = 224},
     .default_to_square = false,
     .crop_size = {224, 224},
     .center_crop = true},
    {.name = "ConvNextImageProcessor",
     .normalization = normalize_to_one,
     .size = {.shortest_edge = 384},
     .default_to_square = false,
     .own_key = "crop_pct"},
    {.name = "DeiTImageProcessor",
     .normalization = normalize_to_one,
     .size = {.exact = {256, 256}},
     .crop_size = {224, 224},
     .center_crop = true},
    {.name = "MobileNetV1ImageProcessor",
     .filter = Filter::bilinear,
     .normalization = normalize_to_one,
     .size = {.shortest_edge = 256},
     .default_to_square = false,
     .crop_size = {224, 224},
     .center_crop = true},
    {.name = "PvtImageProcessor", .size = {.exact = {224, 224}}},
    {.name = "SiglipImageProcessor",
     .normalization = normalize_to_one,
     .size = {.exact = {224, 224}},
     .default_to_square = false},
    {.name = "ViTImageProcessor",
     .filter = Filter::bilinear,
     .normalization = normalize_to_one,
     .size = {.exact = {224, 224}}},
});

/// Classes that transformers takes for a model whose files name none.
struct ModelTypeProcessor {
  std::string_view model_type;
  std::string_view name;
};
inline constexpr auto model_type_processors = std::to_array<ModelTypeProcessor>({
    {"vit", "ViTImageProcessor"},
    {"vit_mae", "ViTImageProcessor"},
    {"vit_msn", "ViTImageProcessor"},
    {"ijepa", "ViTImageProcessor"},
    {"dinov2", "BitImageProcessor"},
    {"deit", "DeiTImageProcessor"},
    {"beit", "BeitImageProcessor"},
    {"clip", "CLIPImageProcessor"},
    {"siglip", "SiglipImageProcessor"},
});

/// Keys that every class knows, or that say nothing about the numbers.
inline constexpr auto image_processor_keys =
    std::to_array<std::string_view>({"image_processor_type",
                                     "feature_extractor_type",
                                     "processor_class",
                                     "_valid_processor_keys",
                                     "do_resize",
                                     "size",
                                     "default_to_square",
                                     "resample",
                                     "do_center_crop",
                                     "crop_size",
                                     "do_rescale",
                                     "rescale_factor",
                                     "do_normalize",
                                     "image_mean",
                                     "image_std",
                                     "do_convert_rgb",
                                     "do_pad",
                                     "pad_size",
                                     "data_format",
                                     "input_data_format",
                                     "return_tensors",
                                     "device",
                                     "disable_grouping",
                                     "image_seq_length"});

}  // namespace tessera::io::detail
