#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tessera/core/error.hpp"
#include "tessera/io/json/strict_handler.hpp"
#include "tessera/io/safetensors/format.hpp"
#include "tessera/io/tensors/limits.hpp"
#include "tessera/io/text/printable.hpp"

namespace tessera::io::detail {

/// Receives the header's JSON piece by piece and refuses all that is not
/// {"__metadata__": {text: text}, name: {"dtype": text, "shape": [n...], "data_offsets": [n, n]}}
/// the moment it appears, so neither depth nor repetition can grow anything.
class SafetensorsHeaderHandler final : public StrictJsonHandler {
 public:
  SafetensorsHeader take() && { return std::move(header_); }

  void start_object() override {
    switch (place_) {
      case Place::file:
        place_ = Place::header;
        break;
      case Place::header:
        place_ = key_ == metadata_key ? Place::metadata : Place::tensor;
        if (place_ == Place::tensor) start_tensor();
        break;
      case Place::metadata:
      case Place::tensor:
      case Place::shape:
      case Place::offsets:
        refuse_value("an object");
    }
  }

  void key(std::string& name) override {
    switch (place_) {
      case Place::header:
        if (name == metadata_key) {
          check_metadata_begins();
        } else {
          check_tensor_begins(name);
        }
        break;
      case Place::metadata:
        check_metadata_key(name);
        break;
      case Place::file:
      case Place::tensor:
      case Place::shape:
      case Place::offsets:
        field_ = check_field(name);
        return;
    }
    key_ = name;
  }

  void string(std::string& text) override {
    if (place_ == Place::metadata) {
      header_.metadata.emplace(key_, text);
    } else if (place_ == Place::tensor && field_ == Field::dtype) {
      const std::optional<Dtype> dtype = find_dtype(text);
      if (!dtype) refuse(where(), "dtype ", in_quotes(text), " is not supported");
      entry_.dtype = *dtype;
    } else {
      refuse_value("a string");
    }
  }

  void start_array() override {
    if (place_ != Place::tensor || field_ == Field::dtype) refuse_value("an array");
    place_ = field_ == Field::shape ? Place::shape : Place::offsets;
  }

  void number_unsigned(std::uint64_t value) override {
    if (place_ == Place::shape) {
      add_dimension(value);
    } else if (place_ == Place::offsets) {
      if (offsets_.size() == 2) refuse(where(), "data_offsets has more than 2 numbers");
      offsets_.push_back(value);
    } else {
      refuse_value("a number");
    }
  }
  void number_integer(std::int64_t /*value*/) override { refuse_size("a negative number"); }
  void number_float(double /*value*/) override {
    refuse_size("a number that is no 64-bit integer");
  }

  void end_array() override { place_ = Place::tensor; }

  void end_object() override {
    if (place_ == Place::tensor) end_tensor();
    place_ = place_ == Place::header ? Place::file : Place::header;
  }

  [[noreturn]] void too_long() override {
    refuse("header holds a text of more than ", SafetensorsLimits::text_bytes, " bytes");
  }
  [[noreturn]] void syntax_error(std::size_t position) override {
    refuse("header is not JSON in UTF-8 (stopped at its byte ", position, ")");
  }

 private:
  enum class Place { file, header, metadata, tensor, shape, offsets };
  enum class Field { dtype, shape, data_offsets };

  static constexpr std::string_view metadata_key = "__metadata__";
  static constexpr std::array<std::string_view, 3> field_names{"dtype", "shape", "data_offsets"};

  void check_metadata_begins() {
    if (has_metadata_) refuse("key '__metadata__' occurs twice");
    has_metadata_ = true;
  }

  void check_metadata_key(std::string_view name) const {
    if (header_.metadata.size() == SafetensorsLimits::metadata) {
      refuse("metadata: more than ", SafetensorsLimits::metadata, " keys");
    }
    if (header_.metadata.contains(name)) {
      refuse("metadata: key ", in_quotes(name), " occurs twice");
    }
  }

  /// Names that occur twice are found when all are there.
  void check_tensor_begins(std::string_view name) const {
    if (name.size() > TensorLimits::name_bytes) {
      refuse("tensor ", in_quotes(name), ": names are limited to ", TensorLimits::name_bytes,
             " bytes");
    }
    if (header_.entries.size() == SafetensorsLimits::tensors) {
      refuse("header has more than ", SafetensorsLimits::tensors, " tensors");
    }
  }

  void start_tensor() {
    entry_ = {};
    entry_.name = key_;
    offsets_.clear();
    seen_ = {};
  }

  /// The field of that name, which must not have occurred yet.
  Field check_field(std::string_view name) {
    const auto position = std::find(field_names.begin(), field_names.end(), name);
    if (position == field_names.end()) refuse(where(), "unknown field ", in_quotes(name));
    const auto field = static_cast<std::size_t>(position - field_names.begin());
    if (seen_[field]) refuse(where(), "field ", in_quotes(name), " occurs twice");
    seen_[field] = true;
    return static_cast<Field>(field);
  }

  void add_dimension(std::uint64_t value) {
    if (entry_.shape.size() == TensorLimits::rank) {
      refuse(where(), "shape has more than ", TensorLimits::rank, " dimensions");
    }
    if (value > TensorLimits::dimension) {
      refuse(where(), "dimension ", value, " is above the limit of ", TensorLimits::dimension);
    }
    entry_.shape.push_back(static_cast<Index>(value));
  }

  void end_tensor() {
    for (std::size_t field = 0; field < seen_.size(); ++field) {
      if (!seen_[field]) refuse(where(), field_names[field], " is missing");
    }
    if (offsets_.size() != 2) refuse(where(), "data_offsets has less than 2 numbers");
    entry_.begin = offsets_[0];
    entry_.end = offsets_[1];
    header_.entries.push_back(std::move(entry_));
  }

  /// Begin of a message: the part of the header that the text is in.
  std::string where() const {
    switch (place_) {
      case Place::file:
        return "header: ";
      case Place::metadata:
        return "metadata: ";
      case Place::header:
        return concat(key_ == metadata_key ? "" : "tensor ", in_quotes(key_), ": ");
      case Place::tensor:
      case Place::shape:
      case Place::offsets:
        break;
    }
    return concat("tensor ", in_quotes(entry_.name), ": ");
  }

  [[noreturn]] void refuse_size(std::string_view kind) const {
    if (place_ == Place::shape) refuse(where(), "shape holds ", kind);
    if (place_ == Place::offsets) refuse(where(), "data_offsets holds ", kind);
    refuse_value(kind);
  }

  [[noreturn]] void refuse_value(std::string_view kind) const override {
    refuse(where(), kind, " has no place here");
  }

  template <class... Parts>
  [[noreturn]] static void refuse(const Parts&... parts) {
    throw std::runtime_error(concat(parts...));
  }

  SafetensorsHeader header_;
  Place place_ = Place::file;
  std::string key_;
  Field field_ = Field::dtype;
  SafetensorsEntry entry_;
  std::vector<std::uint64_t> offsets_;
  std::array<bool, 3> seen_{};  // fields of entry_
  bool has_metadata_ = false;
};

}  // namespace tessera::io::detail
