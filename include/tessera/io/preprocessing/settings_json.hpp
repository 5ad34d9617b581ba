#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "tessera/io/file/fail.hpp"
#include "tessera/io/image/to_tensor.hpp"
#include "tessera/io/json/values.hpp"
#include "tessera/io/text/json_text.hpp"
#include "tessera/io/text/printable.hpp"

// Reading of image settings from JSON, for all packages.

namespace tessera::io::detail {

/// Images of settings are no larger; pictures themselves have their own limit.
inline constexpr Index longest_side = 16384;

inline void check_side(std::string_view label, std::string_view key, Index side) {
  if (side >= 1 && side <= longest_side) return;
  refuse_file(label, key, " ", side, " is not between 1 and ", longest_side);
}

inline void check_sides(std::string_view label, std::string_view key, const Size& size) {
  check_side(label, key, size.height);
  check_side(label, key, size.width);
}

inline void check_deviations(std::string_view label, std::string_view key,
                             const std::array<double, 3>& values) {
  for (const double value : values) {
    if (!(value > 0)) refuse_file(label, key, " ", number_text(value), " is not positive");
  }
}

/// True if the JSON has something else than null at `key`, be it a value, an object or an array.
inline bool has_setting(const JsonValues& json, std::string_view key) {
  return std::ranges::any_of(json.values(), [&](const auto& item) {
    const std::string_view path = item.first;
    return path.starts_with(key) && (path.size() == key.size() || path[key.size()] == '.') &&
           !std::holds_alternative<std::nullptr_t>(item.second);
  });
}

/// Three numbers at `key`, or one for all channels; `otherwise` if there is nothing.
inline std::array<double, 3> read_channels(const JsonValues& json, const std::string& key,
                                           const std::array<double, 3>& otherwise) {
  if (!has_setting(json, key)) return otherwise;
  if (!json.contains(key + ".0")) {
    const double same = json.get<double>(key).value_or(0);
    return {same, same, same};
  }
  std::array<double, 3> values{};
  for (std::size_t channel = 0; channel < 3; ++channel) {
    const auto value = json.get<double>(concat(key, ".", channel));
    if (!value || json.contains(key + ".3")) {
      refuse_file(json.label(), key, " is not three numbers");
    }
    values[channel] = *value;
  }
  return values;
}

/// Throws std::runtime_error naming the first key below `prefix` ("" or "group.") that is none of
/// `known`: what is not understood may mean anything. Null says no more than a key left out.
inline void refuse_unknown_keys(const JsonValues& json, std::string_view prefix,
                                std::span<const std::string_view> known, std::string_view whose) {
  for (const auto& [path, value] : json.values()) {
    const std::string_view whole = path;
    if (!whole.starts_with(prefix) || std::holds_alternative<std::nullptr_t>(value)) continue;
    const std::string_view key =
        whole.substr(prefix.size(), whole.find('.', prefix.size()) - prefix.size());
    if (std::ranges::count(known, key) == 0) {
      refuse_file(json.label(), prefix, printable(key), " is no setting that is known of ", whose);
    }
  }
}

}  // namespace tessera::io::detail
