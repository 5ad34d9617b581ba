#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tessera/io/safetensors/format.hpp"

namespace tessera::io::detail {

/// Receives the header's JSON piece by piece and refuses all that is not
/// {"__metadata__": {text: text}, name: {"dtype": text, "shape": [n...], "data_offsets": [n, n]}}
/// the moment it appears, so neither depth nor repetition can grow anything.
class SafetensorsHeaderHandler final : public nlohmann::json_sax<nlohmann::json> {
 public:
  SafetensorsHeader take() && { return std::move(header_); }

  bool start_object(std::size_t /*size*/) override {
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
      unexpected("an object");
    }
    return true;
  }

  bool key(string_t& name) override {
    if (place_ == Place::header) {
      if (name == "__metadata__" && std::exchange(has_metadata_, true)) {
        refuse("key '__metadata__' occurs twice");
      }
      if (name.size() > SafetensorsLimits::name_bytes) {
        refuse(text_of("tensor ", name_text(name), ": names are limited to ",
                       SafetensorsLimits::name_bytes, " bytes"));
      }
      if (header_.entries.size() == SafetensorsLimits::tensors) {
        refuse(text_of("header has more than ", SafetensorsLimits::tensors, " tensors"));
      }
    } else if (place_ == Place::metadata) {
      if (header_.metadata.size() == SafetensorsLimits::metadata) {
        refuse(text_of("metadata: more than ", SafetensorsLimits::metadata, " keys"));
      }
      if (header_.metadata.contains(name)) {
        refuse(text_of("metadata: key ", name_text(name), " occurs twice"));
      }
    } else {
      bool* const seen = name == "dtype"          ? &has_dtype_
                         : name == "shape"        ? &has_shape_
                         : name == "data_offsets" ? &has_offsets_
                                                  : nullptr;
      if (seen == nullptr) refuse(text_of(where(), "unknown field ", name_text(name)));
      if (*seen) refuse(text_of(where(), "field ", name_text(name), " occurs twice"));
      *seen = true;
      field_ = name;
      return true;
    }
    key_ = name;
    return true;
  }

  bool string(string_t& text) override {
    if (place_ == Place::metadata) {
      header_.metadata.emplace(key_, text);
    } else if (place_ == Place::tensor && field_ == "dtype") {
      const std::optional<Dtype> dtype = find_dtype(text);
      if (!dtype) refuse(text_of(where(), "dtype ", name_text(text), " is not supported"));
      entry_.dtype = *dtype;
    } else {
      unexpected("a string");
    }
    return true;
  }

  bool start_array(std::size_t /*size*/) override {
    if (place_ == Place::tensor && field_ == "shape") {
      place_ = Place::shape;
    } else if (place_ == Place::tensor && field_ == "data_offsets") {
      place_ = Place::offsets;
    } else {
      unexpected("an array");
    }
    return true;
  }

  bool number_unsigned(number_unsigned_t value) override {
    if (place_ == Place::shape) {
      if (entry_.shape.size() == SafetensorsLimits::rank) {
        refuse(text_of(where(), "shape has more than ", SafetensorsLimits::rank, " dimensions"));
      }
      if (value > SafetensorsLimits::dimension) {
        refuse(text_of(where(), "dimension ", value, " is above the limit of ",
                       SafetensorsLimits::dimension));
      }
      entry_.shape.push_back(static_cast<Index>(value));
    } else if (place_ == Place::offsets) {
      if (offsets_.size() == 2) refuse(text_of(where(), "data_offsets has more than 2 numbers"));
      offsets_.push_back(value);
    } else {
      unexpected("a number");
    }
    return true;
  }

  bool number_integer(number_integer_t /*value*/) override { no_size("a negative number"); }
  bool number_float(number_float_t /*value*/, const string_t& /*text*/) override {
    no_size("a number that is no 64-bit integer");
  }
  bool null() override { unexpected("null"); }
  bool boolean(bool /*value*/) override { unexpected("a boolean"); }
  bool binary(binary_t& /*value*/) override { unexpected("binary data"); }

  bool end_array() override {
    place_ = Place::tensor;
    return true;
  }

  bool end_object() override {
    if (place_ == Place::tensor) {
      if (!has_dtype_) refuse(text_of(where(), "dtype is missing"));
      if (!has_shape_) refuse(text_of(where(), "shape is missing"));
      if (!has_offsets_) refuse(text_of(where(), "data_offsets is missing"));
      if (offsets_.size() != 2) refuse(text_of(where(), "data_offsets has less than 2 numbers"));
      entry_.begin = offsets_[0];
      entry_.end = offsets_[1];
      header_.entries.push_back(std::move(entry_));
    }
    place_ = place_ == Place::header ? Place::file : Place::header;
    return true;
  }

  bool parse_error(std::size_t position, const std::string& /*token*/,
                   const nlohmann::detail::exception& /*error*/) override {
    refuse(text_of("header is not JSON in UTF-8 (stopped at its byte ", position, ")"));
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
        return text_of(key_ == "__metadata__" ? "" : "tensor ", name_text(key_), ": ");
      default:
        return text_of("tensor ", name_text(entry_.name), ": ");
    }
  }

  [[noreturn]] void no_size(std::string_view what) const {
    if (place_ == Place::shape) refuse(text_of(where(), "shape holds ", what));
    if (place_ == Place::offsets) refuse(text_of(where(), "data_offsets holds ", what));
    unexpected(what);
  }

  [[noreturn]] void unexpected(std::string_view what) const {
    refuse(text_of(where(), what, " has no place here"));
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
