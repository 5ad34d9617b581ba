#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tessera/core/inline.hpp"
#include "tessera/io/preprocessing/hugging_face.hpp"
#include "tessera/io/preprocessing/hugging_face_classes.hpp"
#include "tessera/io/preprocessing/settings_json.hpp"
#include "tessera/io/text/printable.hpp"

namespace tessera::io {

namespace detail {

/// Throws std::runtime_error naming the file, the class and the known ones, if it is none of them.
inline const ImageProcessorClass& image_processor_class(const JsonValues& json,
                                                        std::string_view model_type) {
  std::string name = json.get<std::string>("image_processor_type").value_or("");
  if (name.empty()) name = json.get<std::string>("feature_extractor_type").value_or("");
  if (name.empty()) {
    for (const ModelTypeProcessor& known : model_type_processors) {
      if (known.model_type == model_type) name = known.name;
    }
  }
  if (name.empty()) {
    refuse_file(json.label(), "says no image_processor_type, which decides what its keys mean");
  }
  std::string_view plain = name;
  for (const std::string_view ending : {"Fast", "Pil"}) {
    if (plain.ends_with(ending)) plain.remove_suffix(ending.size());
  }
  std::string current(plain);
  constexpr std::string_view old_ending = "FeatureExtractor";
  if (plain.ends_with(old_ending)) {
    current = concat(plain.substr(0, plain.size() - old_ending.size()), "ImageProcessor");
  }
  std::string known;
  for (const ImageProcessorClass& processor : image_processor_classes) {
    if (processor.name == current) return processor;
    known += concat(known.empty() ? "" : ", ", processor.name);
  }
  refuse_file(json.label(), "image_processor_type ", in_quotes(name),
              " is not known; these are: ", known);
}

/// One number, two in a list, height and width, or shortest_edge with or without longest_edge, in
/// all of which null counts as left out; `otherwise` if there is nothing.
inline SizeSetting read_size(const JsonValues& json, const std::string& key, bool to_square,
                             const SizeSetting& otherwise) {
  if (!has_setting(json, key)) return otherwise;
  const auto at = [&](std::string_view part) {
    const auto side = json.get<Index>(concat(key, ".", part));
    if (side) check_side(json.label(), key, *side);
    return side.value_or(0);
  };
  if (json.contains(key)) {
    const Index side = json.get<Index>(key).value_or(0);
    check_side(json.label(), key, side);
    return to_square ? SizeSetting{.exact = {side, side}} : SizeSetting{.shortest_edge = side};
  }
  static constexpr auto parts = std::to_array<std::string_view>(
      {"0", "1", "height", "width", "shortest_edge", "longest_edge"});
  refuse_unknown_keys(json, key + ".", parts, "sizes");
  const Size listed{at("0"), at("1")};
  const Size named{at("height"), at("width")};
  const SizeSetting edges{.shortest_edge = at("shortest_edge"), .longest_edge = at("longest_edge")};
  const auto is_whole = [](const Size& size) { return size.height > 0 && size.width > 0; };
  const int ways = (listed != Size{} ? 1 : 0) + (named != Size{} ? 1 : 0) +
                   (edges.shortest_edge > 0 || edges.longest_edge > 0 ? 1 : 0);
  if (ways == 1 && is_whole(listed)) return {.exact = listed};
  if (ways == 1 && is_whole(named)) return {.exact = named};
  if (ways == 1 && edges.shortest_edge > 0) return edges;
  refuse_file(json.label(), key,
              " is neither a number, height and width, nor shortest_edge, with or without "
              "longest_edge");
}

inline Filter read_resample(const JsonValues& json, Filter otherwise) {
  const auto code = json.get<Index>("resample");
  if (!code) return otherwise;
  // Pillow's Image.Resampling. 0, the nearest pixel, is no sum over pixels.
  constexpr std::array<Filter, 5> filters{Filter::lanczos, Filter::bilinear, Filter::bicubic,
                                          Filter::box, Filter::hamming};
  if (*code < 1 || *code > 5) {
    refuse_file(json.label(), "resample ", *code, " is not supported; 1 to 5 are");
  }
  return filters[static_cast<std::size_t>(*code - 1)];
}

inline Normalization read_hugging_face_values(const JsonValues& json,
                                              const ImageProcessorClass& processor) {
  Normalization values{read_channels(json, "image_mean", processor.normalization.mean),
                       read_channels(json, "image_std", processor.normalization.std)};
  check_deviations(json.label(), "image_std", values.std);
  if (!json.get<bool>("do_normalize").value_or(true)) values = no_normalization;
  const double factor = json.get<double>("rescale_factor").value_or(1.0 / 255);
  if (!(factor > 0 && std::isfinite(1 / factor))) {
    refuse_file(json.label(), "rescale_factor ", factor, " is not supported; positive ones are");
  }
  values.level = json.get<bool>("do_rescale").value_or(true) ? 1 / factor : 1;
  if (std::abs(values.level - 255) < 1e-9) values.level = 255;
  return values;
}

/// ConvNextImageProcessor.resize: below 384 the shorter side becomes larger by 1 / crop_pct and the
/// middle is cut out, else the image is squeezed.
inline void resize_as_convnext(const JsonValues& json, const SizeSetting& size,
                               Preprocessing& how) {
  if (size.shortest_edge == 0) {
    refuse_file(json.label(), "size: ConvNextImageProcessor takes size.shortest_edge alone");
  }
  how.size = {size.shortest_edge, size.shortest_edge};
  if (size.shortest_edge >= 384) {
    how.resize = ResizeRule::exact;
    how.resized = how.size;
    return;
  }
  const double share = json.get<double>("crop_pct").value_or(224.0 / 256);
  if (!(share > 0 && share <= 1)) refuse_file(json.label(), "crop_pct is not in (0, 1]");
  how.resize = ResizeRule::shorter_side;
  how.shorter_side =
      static_cast<Index>(std::min(static_cast<double>(size.shortest_edge) / share, 1e9));
  check_side(json.label(), "the shorter side that crop_pct makes", how.shorter_side);
}

/// Throws std::runtime_error if the image is padded to another size. (Padding comes after
/// normalization and without a size goes by the largest image of a batch.)
inline void refuse_padding(const JsonValues& json, const Size& size) {
  if (!json.get<bool>("do_pad").value_or(false)) return;
  const Size padded = read_size(json, "pad_size", true, {.exact = size}).exact;
  if (padded != size) {
    refuse_file(json.label(), "pad_size is not supported unless it is the size of the image, ",
                size);
  }
}

}  // namespace detail

TESSERA_INLINE Preprocessing hugging_face_preprocessing(const JsonValues& json,
                                                        std::string_view model_type) {
  const detail::ImageProcessorClass& processor = detail::image_processor_class(json, model_type);
  std::vector<std::string_view> known(detail::image_processor_keys.begin(),
                                      detail::image_processor_keys.end());
  if (!processor.own_key.empty()) known.push_back(processor.own_key);
  detail::refuse_unknown_keys(json, "", known, processor.name);

  Preprocessing how{.shorter_side = 0,
                    .filter = detail::read_resample(json, processor.filter),
                    .rounding = CropRounding::down,
                    .normalization = detail::read_hugging_face_values(json, processor)};
  const bool to_square = json.get<bool>("default_to_square").value_or(processor.default_to_square);
  detail::SizeSetting size = detail::read_size(json, "size", to_square, processor.size);
  if (processor.own_key == "use_square_size" && json.get<bool>("use_square_size").value_or(false)) {
    size = {.exact = {processor.size.shortest_edge, processor.size.shortest_edge}};
  }
  const bool crops = json.get<bool>("do_center_crop").value_or(processor.center_crop);
  const bool resizes = json.get<bool>("do_resize").value_or(true);
  const bool as_convnext = processor.own_key == "crop_pct" && resizes;
  if (as_convnext) {
    detail::resize_as_convnext(json, size, how);
  } else if (!resizes) {
    how.resize = ResizeRule::none;
  } else if (size.shortest_edge > 0) {
    how.resize = ResizeRule::shorter_side;
    how.shorter_side = size.shortest_edge;
    how.longer_side = size.longest_edge;
  } else {
    how.resize = ResizeRule::exact;
    how.resized = size.exact;
    how.size = size.exact;
  }
  if (crops) {
    const Size cut =
        detail::read_size(json, "crop_size", true, {.exact = processor.crop_size}).exact;
    if (cut == Size{}) {
      refuse_file(json.label(), "do_center_crop needs crop_size, height and width");
    }
    if (as_convnext && cut != how.size) {
      refuse_file(json.label(), "crop_size ", cut, " of an image that is cut to ", how.size,
                  " already is not supported");
    }
    how.size = cut;
  } else if (!resizes) {
    refuse_file(json.label(), "do_resize false without do_center_crop gives no one size");
  } else if (how.resize == ResizeRule::shorter_side && !as_convnext) {
    refuse_file(json.label(), "size.shortest_edge without do_center_crop gives no one size");
  }
  detail::refuse_padding(json, how.size);
  return how;
}

}  // namespace tessera::io
