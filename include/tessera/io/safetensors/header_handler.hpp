#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tessera/core/error.hpp"
#include "tessera/io/json/reader.hpp"
#include "tessera/io/safetensors/format.hpp"
#include "tessera/io/tensors/limits.hpp"
#include "tessera/io/text/printable.hpp"

namespace tessera::io::detail {

/// Receives the header's JSON piece by piece and refuses all that is not
/// {"__metadata__": {text: text}, name: {"dtype": text, "shape": [n...], "data_offsets": [n, n]}}
/// the moment it appears, so neither depth nor repetition can grow anything.
class SafetensorsHeaderHandler final : public JsonHandler {
 public:
  SafetensorsHeader take() && { return std::move(header_); }

  void start_object() override {
    if (place_ == Place::file) {
      place_ = Place::header;
    } else if (place_ == Place::header && key_ == "__metadata__") {
      place_ = Place::metadata;
    } else if (place_ == Place::header) {
      place_ = Place::tensor;
      entry_ = {};
      entry_.name = key_;
      has_dtype_ = has_shape_ = false;
      offsets_.clear();
      has_offsets_ = false;
    } else {
      refuse_value("an object");
    }
  }

  void key(std::string& name) override {
    if (place_ == Place::header) {
      if (name == "__metadata__" && std::exchange(has_metadata_, true)) {
        refuse("key '__metadata__' occurs twice");
      }
      if (name.size() > TensorLimits::name_bytes) {
        refuse(concat("tensor ", in_quotes(name), ": names are limited to ",
                      TensorLimits::name_bytes, " bytes"));
      }
      if (header_.entries.size() == SafetensorsLimits::tensors) {
        refuse(concat("header has more than ", SafetensorsLimits::tensors, " tensors"));
      }
    } else if (place_ == Place::metadata) {
      if (header_.metadata.size() == SafetensorsLimits::metadata) {
        refuse(concat("metadata: more than ", SafetensorsLimits::metadata, " keys"));
      }
      if (header_.metadata.contains(name)) {
        refuse(concat("metadata: key ", in_quotes(name), " occurs twice"));
      }
    } else {
      bool* const seen = name == "dtype"          ? &has_dtype_
                         : name == "shape"        ? &has_shape_
                         : name == "data_offsets" ? &has_offsets_
                                                  : nullptr;
      if (seen == nullptr) refuse(concat(where(), "unknown field ", in_quotes(name)));
      if (*seen) refuse(concat(where(), "field ", in_quotes(name), " occurs twice"));
      *seen = true;
      field_ = name;
      return;
    }
    key_ = name;
  }

  void string(std::string& text) override {
    if (place_ == Place::metadata) {
      header_.metadata.emplace(key_, text);
    } else if (place_ == Place::tensor && field_ == "dtype") {
      const std::optional<Dtype> dtype = find_dtype(text);
      if (!dtype) refuse(concat(where(), "dtype ", in_quotes(text), " is not supported"));
      entry_.dtype = *dtype;
    } else {
      refuse_value("a string");
    }
  }

  void start_array() override {
    if (place_ == Place::tensor && field_ == "shape") {
      place_ = Place::shape;
    } else if (place_ == Place::tensor && field_ == "data_offsets") {
      place_ = Place::offsets;
    } else {
      refuse_value("an array");
    }
  }

  void number_unsigned(std::uint64_t value) override {
    if (place_ == Place::shape) {
      if (entry_.shape.size() == TensorLimits::rank) {
        refuse(concat(where(), "shape has more than ", TensorLimits::rank, " dimensions"));
      }
      if (value > TensorLimits::dimension) {
        refuse(concat(where(), "dimension ", value, " is above the limit of ",
                      TensorLimits::dimension));
      }
      entry_.shape.push_back(static_cast<Index>(value));
    } else if (place_ == Place::offsets) {
      if (offsets_.size() == 2) refuse(concat(where(), "data_offsets has more than 2 numbers"));
      offsets_.push_back(value);
    } else {
      refuse_value("a number");
    }
  }

  void number_integer(std::int64_t /*value*/) override { refuse_size("a negative number"); }
  void number_float(double /*value*/) override {
    refuse_size("a number that is no 64-bit integer");
  }
  void null() override { refuse_value("null"); }
  void boolean(bool /*value*/) override { refuse_value("a boolean"); }

  void end_array() override { place_ = Place::tensor; }

  void end_object() override {
    if (place_ == Place::tensor) {
      if (!has_dtype_) refuse(concat(where(), "dtype is missing"));
      if (!has_shape_) refuse(concat(where(), "shape is missing"));
      if (!has_offsets_) refuse(concat(where(), "data_offsets is missing"));
      if (offsets_.size() != 2) refuse(concat(where(), "data_offsets has less than 2 numbers"));
      entry_.begin = offsets_[0];
      entry_.end = offsets_[1];
      header_.entries.push_back(std::move(entry_));
    }
    place_ = place_ == Place::header ? Place::file : Place::header;
  }

  [[noreturn]] void syntax_error(std::size_t position) override {
    refuse(concat("header is not JSON in UTF-8 (stopped at its byte ", position, ")"));
  }

 private:
  enum class Place { file, header, metadata, tensor, shape, offsets };

  std::string where() const {
    switch (place_) {
      case Place::file:
        return "header: ";
      case Place::metadata:
        return "metadata: ";
      case Place::header:
        return concat(key_ == "__metadata__" ? "" : "tensor ", in_quotes(key_), ": ");
      default:
        return concat("tensor ", in_quotes(entry_.name), ": ");
    }
  }

  [[noreturn]] void refuse_size(std::string_view what) const {
    if (place_ == Place::shape) refuse(concat(where(), "shape holds ", what));
    if (place_ == Place::offsets) refuse(concat(where(), "data_offsets holds ", what));
    refuse_value(what);
  }

  [[noreturn]] void refuse_value(std::string_view what) const {
    refuse(concat(where(), what, " has no place here"));
  }

  [[noreturn]] static void refuse(const std::string& reason) { throw std::runtime_error(reason); }

  SafetensorsHeader header_;
  Place place_ = Place::file;
  std::string key_;
  std::string field_;
  SafetensorsEntry entry_;
  std::vector<std::uint64_t> offsets_;
  bool has_metadata_ = false;
  bool has_dtype_ = false;
  bool has_shape_ = false;
  bool has_offsets_ = false;
};

}  // namespace tessera::io::detail
