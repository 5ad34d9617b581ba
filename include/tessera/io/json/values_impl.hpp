#pragma once

#include <limits>
#include <utility>
#include <vector>

#include "tessera/core/error.hpp"
#include "tessera/core/inline.hpp"
#include "tessera/io/file/fail.hpp"
#include "tessera/io/file/file.hpp"
#include "tessera/io/json/reader.hpp"
#include "tessera/io/json/values.hpp"
#include "tessera/io/text/printable.hpp"

namespace tessera::io {

namespace detail {

/// Writes scalars under their paths and refuses what goes beyond the limits as it appears.
class JsonValuesHandler final : public JsonHandler {
 public:
  using Values = std::map<std::string, JsonValues::Value, std::less<>>;

  explicit JsonValuesHandler(const std::string& label) : label_(label) {}

  Values take() && { return std::move(values_); }

  void null() override { add(nullptr); }
  void boolean(bool value) override { add(value); }
  void number_integer(std::int64_t value) override { add(static_cast<double>(value)); }
  void number_unsigned(std::uint64_t value) override { add(static_cast<double>(value)); }
  void number_float(double value) override { add(value); }
  void string(std::string& text) override { add(std::move(text)); }

  void start_object() override { open(no_index); }
  void start_array() override { open(0); }
  void end_object() override { close(); }
  void end_array() override { close(); }

  void key(std::string& name) override {
    Level& level = levels_.back();
    path_.resize(level.path_size);
    if (!path_.empty()) path_ += '.';
    path_ += name;
    if (path_.size() > JsonLimits::key_bytes) refuse("a path of keys is too long");
  }

  [[noreturn]] void too_long() override {
    refuse(concat("holds a text or number of more than ", JsonLimits::text_bytes, " bytes"));
  }
  [[noreturn]] void syntax_error(std::size_t position) override {
    refuse(concat("is not JSON in UTF-8 (stopped at its byte ", position, ")"));
  }

 private:
  static constexpr std::size_t no_index = std::numeric_limits<std::size_t>::max();

  struct Level {
    std::size_t path_size;  // of the path to this object or array
    std::size_t index;      // of the next element; no_index in an object
  };

  [[noreturn]] void refuse(const std::string& reason) const { refuse_file(label_, reason); }

  /// In an array the number of the element becomes the last part of the path.
  void step() {
    if (levels_.empty() || levels_.back().index == no_index) return;
    Level& level = levels_.back();
    path_.resize(level.path_size);
    path_ += concat(path_.empty() ? "" : ".", level.index++);
  }

  void open(std::size_t index) {
    if (levels_.empty() && index != no_index) refuse("is not a JSON object");
    step();
    if (levels_.size() == JsonLimits::depth) {
      refuse(concat("is nested deeper than ", JsonLimits::depth));
    }
    levels_.push_back({path_.size(), index});
  }

  void close() {
    path_.resize(levels_.back().path_size);
    levels_.pop_back();
  }

  void add(JsonValues::Value value) {
    if (levels_.empty()) refuse("is not a JSON object");
    step();
    if (values_.size() == JsonLimits::values) {
      refuse(concat("holds more than ", JsonLimits::values, " values"));
    }
    key_bytes_ += path_.size();
    if (key_bytes_ > JsonLimits::all_key_bytes) {
      refuse(concat("its keys, with all that they are in, take more than ",
                    JsonLimits::all_key_bytes, " bytes"));
    }
    if (!values_.emplace(path_, std::move(value)).second) {
      refuse(concat("key ", in_quotes(path_), " occurs twice"));
    }
  }

  const std::string& label_;
  Values values_;
  std::vector<Level> levels_;
  std::string path_;
  std::size_t key_bytes_ = 0;
};

}  // namespace detail

TESSERA_INLINE JsonValues parse_json_values(std::string_view text, const std::string& label) {
  const std::size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos || text[begin] != '{') {
    refuse_file(label, "is not a JSON object");
  }
  if (text.find('\0') != std::string_view::npos) refuse_file(label, "contains a zero byte");
  detail::JsonValuesHandler handler(label);
  read_json(text, handler, JsonLimits::text_bytes);
  JsonValues values(label);
  values.values_ = std::move(handler).take();
  return values;
}

TESSERA_INLINE JsonValues read_json_values(const std::filesystem::path& path) {
  const std::vector<std::byte> bytes = read_file(path, JsonLimits::file_bytes);
  return parse_json_values({reinterpret_cast<const char*>(bytes.data()), bytes.size()},
                           path.string());
}

}  // namespace tessera::io
