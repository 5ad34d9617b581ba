#pragma once

#include <charconv>
#include <cmath>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

#include "tessera/core/size.hpp"

namespace tessera::io {

/// The texts that a weights file keeps beside its tensors, by key.
using TensorMetadata = std::map<std::string, std::string, std::less<>>;

/// The text under `key`, or an empty one.
inline std::string metadata_text(const TensorMetadata& metadata, std::string_view key) {
  const auto found = metadata.find(key);
  return found == metadata.end() ? "" : found->second;
}

/// The number under `key`, or nothing if there is none or it is written in another way.
inline std::optional<double> metadata_number(const TensorMetadata& metadata, std::string_view key) {
  const std::string text = metadata_text(metadata, key);
  double value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec != std::errc() || result.ptr != text.data() + text.size()) return {};
  return value;
}

/// The whole number from 0 to 1e9 under `key`, or nothing.
inline std::optional<Index> metadata_index(const TensorMetadata& metadata, std::string_view key) {
  const std::optional<double> value = metadata_number(metadata, key);
  if (!value || !(*value >= 0 && *value <= 1e9) || std::floor(*value) < *value) return {};
  return static_cast<Index>(*value);
}

/// The truth value under `key`, as Python writes it (True, False) or as 1 and 0, or nothing.
inline std::optional<bool> metadata_flag(const TensorMetadata& metadata, std::string_view key) {
  const std::string text = metadata_text(metadata, key);
  if (text == "True" || text == "1") return true;
  if (text == "False" || text == "0") return false;
  return {};
}

/// The size whose sides stand under key_height and key_width, or nothing.
inline std::optional<Size> metadata_size(const TensorMetadata& metadata, const std::string& key) {
  const auto height = metadata_index(metadata, key + "_height");
  const auto width = metadata_index(metadata, key + "_width");
  return height && width ? std::optional(Size{*height, *width}) : std::nullopt;
}

}  // namespace tessera::io
