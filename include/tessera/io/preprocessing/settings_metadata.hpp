#pragma once

#include <array>
#include <charconv>
#include <cmath>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>

#include "tessera/io/file/fail.hpp"
#include "tessera/io/image/preprocessing.hpp"
#include "tessera/io/preprocessing/settings_json.hpp"
#include "tessera/io/tensors/metadata.hpp"
#include "tessera/io/text/json_text.hpp"
#include "tessera/io/text/printable.hpp"

// Image settings in the metadata of a weights file.

namespace tessera::io::detail {

inline constexpr std::string_view settings_prefix = "tessera.preprocessing.";

inline std::string channels_text(const std::array<double, 3>& values) {
  return concat(number_text(values[0]), " ", number_text(values[1]), " ", number_text(values[2]));
}

constexpr std::string_view filter_name(Filter filter) {
  constexpr std::array<std::string_view, 5> names{"box", "bilinear", "hamming", "bicubic",
                                                  "lanczos"};
  return names[static_cast<std::size_t>(filter)];
}

constexpr std::string_view rule_name(ResizeRule rule) {
  constexpr std::array<std::string_view, 5> names{"none", "exact", "shorter_side", "cover",
                                                  "contain"};
  return names[static_cast<std::size_t>(rule)];
}

/// Settings that files written before ResizeRule was there say in fewer keys: a shorter side, or
/// right to the size.
inline bool is_plain(const Preprocessing& how) {
  const Preprocessing usual;
  return how.fill == usual.fill &&
         std::equal_to<>()(how.normalization.level, usual.normalization.level) &&
         (how.resize == ResizeRule::shorter_side
              ? how.longer_side == 0
              : how.resize == ResizeRule::exact && how.resized == how.size);
}

/// As metadata of a file of weights; the size is that of its images.
inline TensorMetadata to_metadata(const Preprocessing& how) {
  TensorMetadata metadata;
  const auto put = [&](std::string_view key, std::string value) {
    metadata.emplace(concat(settings_prefix, key), std::move(value));
  };
  put("filter", std::string(filter_name(how.filter)));
  put("height", std::to_string(how.size.height));
  put("width", std::to_string(how.size.width));
  put("mean", channels_text(how.normalization.mean));
  put("std", channels_text(how.normalization.std));
  put("rounding", how.rounding == CropRounding::down ? "down" : "half_to_even");
  put("shorter_side", std::to_string(how.shorter_side));
  if (is_plain(how)) return metadata;
  put("resize", std::string(rule_name(how.resize)));
  put("longer_side", std::to_string(how.longer_side));
  put("resized_height", std::to_string(how.resized.height));
  put("resized_width", std::to_string(how.resized.width));
  put("fill", concat(int{how.fill[0]}, " ", int{how.fill[1]}, " ", int{how.fill[2]}));
  put("level", number_text(how.normalization.level));
  return metadata;
}

/// Reads what to_metadata wrote. Errors name the file and the key.
class SettingsMetadata {
 public:
  SettingsMetadata(const TensorMetadata& metadata, std::string_view label)
      : metadata_(metadata), label_(label) {}

  std::string text(std::string_view key) const {
    return metadata_text(metadata_, concat(settings_prefix, key));
  }
  bool contains(std::string_view key) const {
    return metadata_.find(concat(settings_prefix, key)) != metadata_.end();
  }

  /// From `least` on, at most longest_side.
  Index side(std::string_view key, Index least = 1) const {
    const auto side = metadata_index(metadata_, concat(settings_prefix, key));
    if (!side) refuse(key, "is no whole number");
    if (*side != 0 || least > 0) {
      check_side(label_, concat("metadata ", settings_prefix, key), *side);
    }
    return *side;
  }

  /// Three numbers of a text.
  std::array<double, 3> channels(std::string_view key) const {
    const std::string whole = text(key);
    std::array<double, 3> values{};
    const char* next = whole.data();
    const char* const end = next + whole.size();
    for (double& value : values) {
      const auto parsed = std::from_chars(next, end, value);
      if (parsed.ec != std::errc() || !std::isfinite(value)) refuse(key, "is not three numbers");
      next = parsed.ptr == end ? end : parsed.ptr + 1;
    }
    if (next != end) refuse(key, "is not three numbers");
    return values;
  }

  /// The one of `values` that `name_of` gives this name.
  template <class Value, std::size_t Count>
  Value named(std::string_view key, const std::array<Value, Count>& values,
              std::string_view (*name_of)(Value)) const {
    const std::string name = text(key);
    for (const Value value : values) {
      if (name_of(value) == name) return value;
    }
    refuse(key, concat(in_quotes(name), " is none"));
  }

  [[noreturn]] void refuse(std::string_view key, std::string_view reason) const {
    refuse_file(label_, "metadata ", settings_prefix, key, " ", reason);
  }

 private:
  const TensorMetadata& metadata_;
  std::string_view label_;
};

/// Settings as to_metadata wrote them, if they are there. Throws std::runtime_error naming the file
/// and the key where one is not as it is ever written.
inline std::optional<Preprocessing> metadata_preprocessing(const TensorMetadata& metadata,
                                                           std::string_view label) {
  const SettingsMetadata stored(metadata, label);
  for (const std::string_view key : {"filter", "height", "width", "shorter_side"}) {
    if (!stored.contains(key)) return {};
  }
  Preprocessing how{.size = {stored.side("height"), stored.side("width")},
                    .shorter_side = stored.side("shorter_side", 0)};
  constexpr std::array filters{Filter::box, Filter::bilinear, Filter::hamming, Filter::bicubic,
                               Filter::lanczos};
  how.filter = stored.named("filter", filters, filter_name);
  how.rounding =
      stored.text("rounding") == "down" ? CropRounding::down : CropRounding::half_to_even;
  how.normalization = {stored.channels("mean"), stored.channels("std")};
  check_deviations(label, concat("metadata ", settings_prefix, "std"), how.normalization.std);
  if (!stored.contains("resize")) {
    how.resize = how.shorter_side > 0 ? ResizeRule::shorter_side : ResizeRule::exact;
    if (how.resize == ResizeRule::exact) how.resized = how.size;
    return how;
  }
  constexpr std::array rules{ResizeRule::none, ResizeRule::exact, ResizeRule::shorter_side,
                             ResizeRule::cover, ResizeRule::contain};
  how.resize = stored.named("resize", rules, rule_name);
  how.longer_side = stored.side("longer_side", 0);
  how.resized = {stored.side("resized_height", 0), stored.side("resized_width", 0)};
  const std::array<double, 3> fill = stored.channels("fill");
  for (std::size_t channel = 0; channel < 3; ++channel) {
    if (!(fill[channel] >= 0 && fill[channel] <= 255)) stored.refuse("fill", "is no color");
    how.fill[channel] = static_cast<std::uint8_t>(fill[channel]);
  }
  const auto level = metadata_number(metadata, concat(settings_prefix, "level"));
  if (!level || !(*level > 0 && std::isfinite(*level))) stored.refuse("level", "is not positive");
  how.normalization.level = *level;
  const bool complete =
      how.resize == ResizeRule::none ||
      (how.resize == ResizeRule::shorter_side ? how.shorter_side > 0 : how.resized.count() > 0);
  if (!complete) stored.refuse("resize", "lacks the sides that it needs");
  return how;
}

}  // namespace tessera::io::detail
