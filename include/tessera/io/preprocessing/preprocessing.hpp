#pragma once

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>

#include "tessera/core/error.hpp"
#include "tessera/io/checkpoint/facts.hpp"
#include "tessera/io/file/fail.hpp"
#include "tessera/io/image/resize.hpp"
#include "tessera/io/image/to_tensor.hpp"
#include "tessera/io/tensors/metadata.hpp"
#include "tessera/io/text/printable.hpp"

namespace tessera::io {

/// Where the middle lies when an odd number of pixels is cut off.
enum class CropRounding {
  half_to_even,  ///< torchvision, and timm through it
  down,          ///< Hugging Face
};

/// How an image becomes the input of a model: resized, its middle cut out, normalized. The defaults
/// are those of the MAE evaluation at 224 pixels.
struct Preprocessing {
  Size size{224, 224};       ///< of the result
  Index shorter_side = 256;  ///< to which the image is resized before the cut; 0: right to `size`
  Filter filter = Filter::bicubic;
  CropRounding rounding = CropRounding::half_to_even;
  Normalization normalization = {};
};

namespace detail {

/// The image in the middle of black, at least `size` large.
inline Image padded(const Image& image, const Size& size, CropRounding rounding) {
  const auto [height, width] = size_of(image);
  if (height >= size.height && width >= size.width) return image;
  const auto before = [&](Index missing) {
    const Index rest = std::max<Index>(missing, 0);
    return rounding == CropRounding::down ? (rest + 1) / 2 : rest / 2;
  };
  const Index top = before(size.height - height);
  const Index left = before(size.width - width);
  Image large({std::max(height, size.height), std::max(width, size.width), 3});
  for (Index row = 0; row < height; ++row) {
    std::copy_n(&image(row, 0, 0), width * 3, &large(top + row, left, 0));
  }
  return large;
}

}  // namespace detail

/// image [H, W, 3] -> [size.height, size.width, 3], the part of it that the model sees. Throws
/// std::invalid_argument on an empty image or size.
inline Image fit_image(const Image& image, const Preprocessing& how) {
  detail::require_size(how.size, "fit_image");
  if (how.shorter_side == 0) return resize(image, how.size, how.filter);
  const Image large = detail::padded(resize_shorter_side(image, how.shorter_side, how.filter),
                                     how.size, how.rounding);
  if (how.rounding == CropRounding::half_to_even) return center_crop(large, how.size);
  return crop(large, {(large.dim(0) - how.size.height) / 2, (large.dim(1) - how.size.width) / 2,
                      how.size.height, how.size.width});
}

/// The same, normalized [3, size.height, size.width].
template <std::floating_point Scalar>
Tensor<Scalar, 3> preprocess(const Image& image, const Preprocessing& how) {
  return to_tensor<Scalar>(fit_image(image, how), how.normalization);
}

namespace detail {

/// Images of settings are no larger; pictures themselves have their own limit.
inline constexpr Index longest_side = 16384;

inline void check_side(const std::string& label, std::string_view key, Index side) {
  if (side >= 1 && side <= longest_side) return;
  refuse_file(label, key, " ", side, " is not between 1 and ", longest_side);
}

inline void check_deviations(const std::string& label, std::string_view key,
                             const std::array<double, 3>& values) {
  for (const double value : values) {
    if (!(value > 0)) refuse_file(label, key, " ", number_text(value), " is not positive");
  }
}

/// Three numbers at `key`, or one for all channels, if there are any.
inline std::array<double, 3> read_channels(const JsonValues& json, const std::string& key,
                                           const std::array<double, 3>& otherwise) {
  if (const auto same = json.get<double>(key)) return {*same, *same, *same};
  if (!json.contains(key + ".0")) return otherwise;
  std::array<double, 3> values{};
  for (std::size_t channel = 0; channel < 3; ++channel) {
    const auto value = json.get<double>(key + concat(".", channel));
    if (!value || json.contains(key + ".3"))
      refuse_file(json.label(), key, " is not three numbers");
    values[channel] = *value;
  }
  return values;
}

inline Normalization read_normalization(const JsonValues& json, const std::string& mean,
                                        const std::string& std) {
  const Normalization usual;
  const Normalization read{read_channels(json, mean, usual.mean),
                           read_channels(json, std, usual.std)};
  check_deviations(json.label(), std, read.std);
  return read;
}

/// Side lengths as Hugging Face writes them: one number, or height and width.
inline std::optional<Size> hugging_face_size(const JsonValues& json, const std::string& key) {
  const auto height = json.get<Index>(key + ".height");
  const auto width = json.get<Index>(key + ".width");
  if (height && width) return Size{*height, *width};
  return config_size(json, key);
}

}  // namespace detail

/// The settings of a preprocessor_config.json. Throws std::runtime_error naming the file where they
/// are of no known kind.
inline Preprocessing hugging_face_preprocessing(const JsonValues& json) {
  Preprocessing how{.shorter_side = 0, .filter = Filter::bilinear, .rounding = CropRounding::down};
  const Index resample = json.get<Index>("resample").value_or(2);
  if (resample != 2 && resample != 3 && resample != 4) {
    refuse_file(json.label(), "resample ", resample, " is not supported; 2, 3 and 4 are");
  }
  how.filter = resample == 2 ? Filter::bilinear : resample == 3 ? Filter::bicubic : Filter::box;
  const double factor = json.get<double>("rescale_factor").value_or(1.0 / 255);
  if (std::abs(factor * 255 - 1) > 1e-6) {
    refuse_file(json.label(), "rescale_factor ", factor, " is not supported; 1 / 255 is");
  }
  for (const char* step : {"do_resize", "do_rescale"}) {
    if (!json.get<bool>(step).value_or(true)) {
      refuse_file(json.label(), step, " false is not supported; true is");
    }
  }
  how.normalization = json.get<bool>("do_normalize").value_or(true)
                          ? detail::read_normalization(json, "image_mean", "image_std")
                          : Normalization{{0, 0, 0}, {1, 1, 1}};
  const bool crops = json.get<bool>("do_center_crop").value_or(false);
  const std::optional<Size> size = detail::hugging_face_size(json, "size");
  const std::optional<Index> edge = json.get<Index>("size.shortest_edge");
  if (crops) {
    const std::optional<Size> cut = detail::hugging_face_size(json, "crop_size");
    how.shorter_side = edge ? *edge : size ? std::min(size->height, size->width) : 0;
    if (how.shorter_side != 0) detail::check_side(json.label(), "size", how.shorter_side);
    how.size = cut ? *cut : size.value_or(Size{});
  } else if (edge) {
    refuse_file(json.label(), "size.shortest_edge without do_center_crop gives no one size");
  } else {
    how.size = size.value_or(Size{});
  }
  if (how.size == Size{}) refuse_file(json.label(), "says no size");
  detail::check_side(json.label(), "size", how.size.height);
  detail::check_side(json.label(), "size", how.size.width);
  return how;
}

/// The settings of timm's config.json. Throws as above.
inline Preprocessing timm_preprocessing(const JsonValues& json) {
  const auto height = json.get<Index>("pretrained_cfg.input_size.1");
  const auto width = json.get<Index>("pretrained_cfg.input_size.2");
  if (!height || !width) refuse_file(json.label(), "pretrained_cfg.input_size says no size");
  detail::check_side(json.label(), "pretrained_cfg.input_size", *height);
  detail::check_side(json.label(), "pretrained_cfg.input_size", *width);
  Preprocessing how{.size = {*height, *width}};
  const std::string filter =
      json.get<std::string>("pretrained_cfg.interpolation").value_or("bicubic");
  if (filter != "bicubic" && filter != "bilinear") {
    refuse_file(json.label(), "interpolation ", in_quotes(filter), " is not supported");
  }
  how.filter = filter == "bicubic" ? Filter::bicubic : Filter::bilinear;
  const double share = json.get<double>("pretrained_cfg.crop_pct").value_or(0.875);
  if (!(share > 0 && share <= 1)) refuse_file(json.label(), "crop_pct is not in (0, 1]");
  const Index side = std::min(*height, *width);
  how.shorter_side = static_cast<Index>(std::floor(static_cast<double>(side) / share));
  detail::check_side(json.label(), "the shorter side that crop_pct makes", how.shorter_side);
  const std::string mode = json.get<std::string>("pretrained_cfg.crop_mode").value_or("center");
  if (mode == "squash" && how.shorter_side == side) {
    how.shorter_side = 0;
  } else if (mode != "center") {
    refuse_file(json.label(), "crop_mode ", in_quotes(mode),
                " is not supported; center is, and squash with a crop_pct of 1");
  }
  how.normalization = detail::read_normalization(json, "pretrained_cfg.mean", "pretrained_cfg.std");
  return how;
}

namespace detail {

inline std::string channels_text(const std::array<double, 3>& values) {
  return concat(number_text(values[0]), " ", number_text(values[1]), " ", number_text(values[2]));
}

inline std::string_view filter_name(Filter filter) {
  return filter == Filter::bicubic ? "bicubic" : filter == Filter::bilinear ? "bilinear" : "box";
}

/// As metadata of a file of weights; the size is that of its images.
inline TensorMetadata to_metadata(const Preprocessing& how) {
  return {{"tessera.preprocessing.filter", std::string(filter_name(how.filter))},
          {"tessera.preprocessing.height", std::to_string(how.size.height)},
          {"tessera.preprocessing.mean", channels_text(how.normalization.mean)},
          {"tessera.preprocessing.rounding",
           how.rounding == CropRounding::down ? "down" : "half_to_even"},
          {"tessera.preprocessing.shorter_side", std::to_string(how.shorter_side)},
          {"tessera.preprocessing.std", channels_text(how.normalization.std)},
          {"tessera.preprocessing.width", std::to_string(how.size.width)}};
}

/// Three numbers of a text, or an error that names the key.
inline std::array<double, 3> metadata_channels(const Checkpoint& file, const std::string& key) {
  const std::string text = metadata_text(file.source.metadata(), key);
  std::array<double, 3> values{};
  const char* next = text.data();
  const char* const end = next + text.size();
  for (double& value : values) {
    const auto parsed = std::from_chars(next, end, value);
    if (parsed.ec != std::errc() || !std::isfinite(value)) {
      refuse_file(file.source.label(), "metadata ", key, " is not three numbers");
    }
    next = parsed.ptr == end ? end : parsed.ptr + 1;
  }
  if (next != end) refuse_file(file.source.label(), "metadata ", key, " is not three numbers");
  return values;
}

/// What to_metadata wrote, if it is there. Throws naming the file and the key where it is not what
/// is ever written.
inline std::optional<Preprocessing> metadata_preprocessing(const Checkpoint& file) {
  const TensorMetadata& metadata = file.source.metadata();
  const std::string begin = "tessera.preprocessing.";
  const std::string filter = metadata_text(metadata, begin + "filter");
  const auto height = metadata_index(metadata, begin + "height");
  const auto width = metadata_index(metadata, begin + "width");
  const auto side = metadata_index(metadata, begin + "shorter_side");
  if (filter.empty() || !height || !width || !side) return {};
  const std::string& label = file.source.label();
  check_side(label, "metadata " + begin + "height", *height);
  check_side(label, "metadata " + begin + "width", *width);
  if (*side != 0) check_side(label, "metadata " + begin + "shorter_side", *side);
  Preprocessing how{.size = {*height, *width}, .shorter_side = *side};
  for (const Filter known : {Filter::box, Filter::bilinear, Filter::bicubic}) {
    if (filter == filter_name(known)) how.filter = known;
  }
  if (filter != filter_name(how.filter)) {
    refuse_file(label, "metadata ", begin, "filter ", in_quotes(filter), " is none");
  }
  how.rounding = metadata_text(metadata, begin + "rounding") == "down" ? CropRounding::down
                                                                       : CropRounding::half_to_even;
  how.normalization = {metadata_channels(file, begin + "mean"),
                       metadata_channels(file, begin + "std")};
  check_deviations(label, "metadata " + begin + "std", how.normalization.std);
  return how;
}

}  // namespace detail

/// How images become input of the model of a checkpoint, and where that is from: the file's
/// metadata, preprocessor_config.json beside it, timm's config.json; else, as "default", as MAE and
/// I-JEPA evaluate, at `image_size`. Throws as above.
inline Known<Preprocessing> known_preprocessing(const Checkpoint& file, const Size& image_size) {
  if (const auto kept = detail::metadata_preprocessing(file)) return {*kept, Origin::metadata};
  const std::filesystem::path beside =
      std::filesystem::path(file.source.label()).parent_path() / "preprocessor_config.json";
  std::error_code ignored;
  if (file.unused_config.empty() && std::filesystem::is_regular_file(beside, ignored)) {
    return {hugging_face_preprocessing(read_json_values(beside)), Origin::preprocessor_config_json};
  }
  if (file.config.contains("pretrained_cfg.input_size.1")) {
    return {timm_preprocessing(file.config), Origin::config_json};
  }
  const bool square = image_size.height == image_size.width;
  return {
      Preprocessing{.size = image_size, .shorter_side = square ? image_size.height * 256 / 224 : 0},
      Origin::standard};
}

inline Preprocessing preprocessing_for(const Checkpoint& file, const Size& image_size) {
  return *known_preprocessing(file, image_size).value;
}

/// "224 x 224 from a shorter side of 256 (bicubic), mean ..., std ...".
inline std::string preprocessing_text(const Preprocessing& how) {
  return concat(
      how.size,
      how.shorter_side > 0 ? concat(" from a shorter side of ", how.shorter_side) : std::string(),
      " (", detail::filter_name(how.filter), "), mean ",
      detail::channels_text(how.normalization.mean), ", std ",
      detail::channels_text(how.normalization.std));
}

}  // namespace tessera::io
