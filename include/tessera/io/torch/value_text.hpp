#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tessera/core/error.hpp"
#include "tessera/io/text/json_text.hpp"
#include "tessera/io/text/utf8.hpp"
#include "tessera/io/torch/pickle_check.hpp"
#include "tessera/io/torch/pickle_value.hpp"

namespace tessera::io::detail {

/// A number, text, truth value, None or name as Python prints it; nothing for any other value.
inline std::optional<std::string> scalar_text(const PickleDocument& document, PickleId id) {
  const PickleValue& value = document[id];
  if (std::holds_alternative<PickleNone>(value)) return "None";
  if (const auto* flag = std::get_if<bool>(&value)) return *flag ? "True" : "False";
  if (const auto* number = std::get_if<std::int64_t>(&value)) return std::to_string(*number);
  if (const auto* text = std::get_if<std::string_view>(&value)) return std::string(*text);
  if (const auto* number = std::get_if<double>(&value)) {
    const std::string text = number_text(*number);
    return text.find_first_not_of("-0123456789") == std::string::npos ? text + ".0" : text;
  }
  if (const PickleGlobal* named = document.global(id)) {
    if (is_utf8(named->module) && is_utf8(named->name)) {
      return concat(named->module, ".", named->name);
    }
  }
  return std::nullopt;
}

/// The key of a dictionary as a part of a name; nothing for what is neither text nor number.
inline std::optional<std::string> key_text(const PickleDocument& document, PickleId key) {
  if (document.get<std::string_view>(key) || document.get<std::int64_t>(key)) {
    return scalar_text(document, key);
  }
  return std::nullopt;
}

/// scalar_text, or "[a, b]" of a list or tuple of such values. A text longer than `most` bytes ends
/// early and is longer than `most`.
inline std::optional<std::string> value_text(const PickleDocument& document, PickleId id,
                                             std::size_t most) {
  if (std::optional<std::string> text = scalar_text(document, id)) return text;
  const bool is_list =
      document.get<PickleList>(id) != nullptr || document.get<PickleTuple>(id) != nullptr;
  if (!is_list) return std::nullopt;
  std::string joined = "[";
  for (std::size_t i = 0; i < pickle_child_count(document[id]); ++i) {
    const std::optional<std::string> text = scalar_text(document, pickle_child(document[id], i));
    if (!text) return std::nullopt;
    joined += (i > 0 ? ", " : "") + *text;
    if (joined.size() > most) break;
  }
  return joined + "]";
}

}  // namespace tessera::io::detail
