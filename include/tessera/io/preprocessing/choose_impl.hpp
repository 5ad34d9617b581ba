#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <system_error>

#include "tessera/core/inline.hpp"
#include "tessera/io/checkpoint/checkpoint.hpp"
#include "tessera/io/preprocessing/choose.hpp"
#include "tessera/io/preprocessing/hugging_face.hpp"
#include "tessera/io/preprocessing/settings_metadata.hpp"
#include "tessera/io/preprocessing/standard.hpp"
#include "tessera/io/preprocessing/timm.hpp"

namespace tessera::io {

namespace detail {

inline std::string resize_text(const Preprocessing& how) {
  switch (how.resize) {
    case ResizeRule::none:
      return " from the middle of the picture as it is";
    case ResizeRule::exact:
      return how.resized == how.size ? "" : concat(" from ", how.resized);
    case ResizeRule::shorter_side:
      return concat(" from a shorter side of ", how.shorter_side,
                    how.longer_side > 0 ? concat(", a longer one of at most ", how.longer_side)
                                        : std::string());
    case ResizeRule::cover:
      return concat(" from the smallest size with ", how.resized, " within it");
    case ResizeRule::contain:
      break;
  }
  return concat(" around the largest size within ", how.resized);
}

inline bool is_torchvision(std::string_view naming) {
  return naming == "torchvision" || naming == "torchvision_legacy" ||
         naming == "lightly_torchvision";
}

}  // namespace detail

TESSERA_INLINE Known<Preprocessing> known_preprocessing(const Checkpoint& file,
                                                        const Size& image_size) {
  const std::string& label = file.source.label();
  if (const auto kept = detail::metadata_preprocessing(file.source.metadata(), label)) {
    return {*kept, Origin::metadata};
  }
  const std::filesystem::path beside =
      std::filesystem::path(label).parent_path() / "preprocessor_config.json";
  std::error_code ignored;
  if (file.unused_config.empty() && std::filesystem::is_regular_file(beside, ignored)) {
    const std::string type = file.config.contains("model_type")
                                 ? file.config.get<std::string>("model_type").value_or("")
                                 : "";
    return {hugging_face_preprocessing(read_json_values(beside), type),
            Origin::preprocessor_config_json};
  }
  if (file.config.contains("pretrained_cfg.input_size.1")) {
    return {timm_preprocessing(file.config), Origin::config_json};
  }
  if (detail::is_torchvision(file.naming_id())) {
    const CheckpointTensor* const patches = file.find("encoder.patch_embed.proj.weight");
    const Index patch = patches != nullptr && patches->shape.size() == 4 ? patches->shape[2] : 0;
    return {detail::torchvision_preprocessing(image_size, patch), Origin::standard};
  }
  return {detail::mae_preprocessing(image_size), Origin::standard};
}

TESSERA_INLINE Preprocessing preprocessing_for(const Checkpoint& file, const Size& image_size) {
  return *known_preprocessing(file, image_size).value;
}

TESSERA_INLINE std::string preprocessing_text(const Preprocessing& how) {
  std::string text =
      concat(how.size, detail::resize_text(how), " (", detail::filter_name(how.filter), "), mean ",
             detail::channels_text(how.normalization.mean), ", std ",
             detail::channels_text(how.normalization.std));
  if (how.normalization.level < 255 || how.normalization.level > 255) {
    text += concat(", of pixels / ", how.normalization.level);
  }
  return text;
}

}  // namespace tessera::io
