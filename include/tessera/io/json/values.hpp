#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>

#include "tessera/core/error.hpp"
#include "tessera/io/file/fail.hpp"

namespace tessera::io {

/// Bounds of a JSON file of settings; one that holds more is refused.
struct JsonLimits {
  static constexpr std::uint64_t file_bytes = 4'000'000;
  static constexpr std::size_t text_bytes = 4'000'000;  // of one text or number
  static constexpr std::size_t depth = 32;
  static constexpr std::size_t values = 100'000;
  static constexpr std::size_t key_bytes = 1024;           // of a whole path
  static constexpr std::size_t all_key_bytes = 8'000'000;  // of all paths together
};

/// The numbers, texts and truths of a JSON object by dotted path: "model_args.img_size.0".
class JsonValues {
 public:
  using Value = std::variant<std::nullptr_t, bool, double, std::string>;

  explicit JsonValues(std::string label = "") : label_(std::move(label)) {}

  const std::string& label() const { return label_; }
  const std::map<std::string, Value, std::less<>>& values() const { return values_; }
  bool contains(std::string_view path) const { return values_.find(path) != values_.end(); }

  /// Nothing where there is no such path, or null. Throws std::runtime_error naming file and path
  /// if it holds something else than a T, and for Index, no whole number from 0 to 2^31.
  template <class T>
  std::optional<T> get(std::string_view path) const {
    const auto found = values_.find(path);
    if (found == values_.end() || std::holds_alternative<std::nullptr_t>(found->second)) return {};
    if constexpr (std::is_same_v<T, Index>) {
      const auto* number = std::get_if<double>(&found->second);
      if (number == nullptr || *number < 0 || *number > 2147483648.0 ||
          std::floor(*number) < *number) {
        refuse_file(label_, path, " is no whole number from 0 to 2^31");
      }
      return static_cast<Index>(*number);
    } else {
      const T* value = std::get_if<T>(&found->second);
      if (value == nullptr) {
        refuse_file(label_, path, " is not a ",
                    std::is_same_v<T, bool>     ? "truth value"
                    : std::is_same_v<T, double> ? "number"
                                                : "text");
      }
      return *value;
    }
  }

 private:
  friend JsonValues parse_json_values(std::string_view, const std::string&);

  std::string label_;
  std::map<std::string, Value, std::less<>> values_;
};

/// Parses the text of a JSON object; `label` stands for the file in messages. Memory stays in
/// proportion to the text. Throws std::runtime_error "label: reason".
JsonValues parse_json_values(std::string_view text, const std::string& label);

/// Reads a JSON file. Throws as parse_json_values, and if it cannot be read or is too large.
JsonValues read_json_values(const std::filesystem::path& path);

}  // namespace tessera::io

#ifndef TESSERA_COMPILED_LIB
#include "tessera/io/json/values_impl.hpp"
#endif
