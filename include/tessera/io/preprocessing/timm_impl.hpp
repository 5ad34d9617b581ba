#pragma once

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <string>
#include <string_view>

#include "tessera/core/inline.hpp"
#include "tessera/io/preprocessing/settings_json.hpp"
#include "tessera/io/preprocessing/timm.hpp"
#include "tessera/io/text/printable.hpp"

namespace tessera::io {

namespace detail {

/// The fields of timm's PretrainedCfg (models/_pretrained.py). Those of tests at another size and
/// those about weights, classes and papers do not count here.
inline constexpr auto pretrained_cfg_keys = std::to_array<std::string_view>({"input_size",
                                                                             "fixed_input_size",
                                                                             "interpolation",
                                                                             "crop_pct",
                                                                             "crop_mode",
                                                                             "mean",
                                                                             "std",
                                                                             "test_input_size",
                                                                             "test_crop_pct",
                                                                             "min_input_size",
                                                                             "url",
                                                                             "file",
                                                                             "state_dict",
                                                                             "hf_hub_id",
                                                                             "hf_hub_filename",
                                                                             "source",
                                                                             "architecture",
                                                                             "tag",
                                                                             "custom_load",
                                                                             "num_classes",
                                                                             "label_offset",
                                                                             "label_names",
                                                                             "pool_size",
                                                                             "test_pool_size",
                                                                             "first_conv",
                                                                             "classifier",
                                                                             "label_descriptions",
                                                                             "license",
                                                                             "description",
                                                                             "origin_url",
                                                                             "paper_name",
                                                                             "paper_ids",
                                                                             "notes"});

struct TimmFilter {
  std::string_view name;
  Filter filter;
};
inline constexpr auto timm_filters = std::to_array<TimmFilter>({{"bicubic", Filter::bicubic},
                                                                {"bilinear", Filter::bilinear},
                                                                {"box", Filter::box},
                                                                {"hamming", Filter::hamming},
                                                                {"lanczos", Filter::lanczos}});

inline Filter timm_filter(const JsonValues& json, const std::string& key) {
  const std::string name = json.get<std::string>(key).value_or("bicubic");
  for (const TimmFilter& known : timm_filters) {
    if (known.name == name) return known.filter;
  }
  refuse_file(json.label(), "interpolation ", in_quotes(name), " is not supported");
}

}  // namespace detail

TESSERA_INLINE Preprocessing timm_preprocessing(const JsonValues& json) {
  const std::string prefix = "pretrained_cfg.";
  const auto height = json.get<Index>(prefix + "input_size.1");
  const auto width = json.get<Index>(prefix + "input_size.2");
  if (!height || !width) refuse_file(json.label(), prefix, "input_size says no size");
  detail::check_sides(json.label(), prefix + "input_size", {*height, *width});
  detail::refuse_unknown_keys(json, prefix, detail::pretrained_cfg_keys, "timm");

  Preprocessing how{.size = {*height, *width},
                    .shorter_side = 0,
                    .filter = detail::timm_filter(json, prefix + "interpolation")};
  const double share = json.get<double>(prefix + "crop_pct").value_or(0.875);
  if (!(share > 0 && share <= 1)) refuse_file(json.label(), "crop_pct is not in (0, 1]");
  const auto enlarged = [&](Index side) {
    const double exact = std::floor(static_cast<double>(side) / share);
    const auto whole = static_cast<Index>(std::min(exact, 1e9));
    detail::check_side(json.label(), "the side that crop_pct makes", whole);
    return whole;
  };
  const Size larger{enlarged(*height), enlarged(*width)};
  how.normalization = {detail::read_channels(json, prefix + "mean", how.normalization.mean),
                       detail::read_channels(json, prefix + "std", how.normalization.std)};
  detail::check_deviations(json.label(), prefix + "std", how.normalization.std);

  const std::string mode = json.get<std::string>(prefix + "crop_mode").value_or("center");
  if (mode == "center" && larger.height == larger.width) {
    how.resize = ResizeRule::shorter_side;
    how.shorter_side = larger.height;
    return how;
  }
  how.resized = larger;
  if (mode == "center") {
    how.resize = ResizeRule::cover;
  } else if (mode == "squash") {
    how.resize = ResizeRule::exact;
  } else if (mode == "border") {
    how.resize = ResizeRule::contain;
    for (std::size_t channel = 0; channel < 3; ++channel) {
      const double level = std::nearbyint(255 * how.normalization.mean[channel]);
      how.fill[channel] = static_cast<std::uint8_t>(std::clamp(level, 0.0, 255.0));
    }
  } else {
    refuse_file(json.label(), "crop_mode ", in_quotes(mode),
                " is not supported; center, squash and border are");
  }
  return how;
}

}  // namespace tessera::io
