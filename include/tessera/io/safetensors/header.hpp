#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <vector>

#include "tessera/core/error.hpp"
#include "tessera/io/file/fail.hpp"
#include "tessera/io/file/file.hpp"
#include "tessera/io/safetensors/header_handler.hpp"
#include "tessera/io/text/printable.hpp"

namespace tessera::io {

namespace detail {

inline void check_names(const SafetensorsHeader& header) {
  std::vector<std::string_view> names;
  names.reserve(header.entries.size());
  for (const SafetensorsEntry& entry : header.entries) names.push_back(entry.name);
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  if (twice != names.end()) {
    throw std::runtime_error(concat("key ", in_quotes(*twice), " occurs twice"));
  }
}

/// Every tensor's bytes fit its shape, and together they cover the data without gap or overlap.
inline void check_layout(SafetensorsHeader& header, std::uint64_t data_bytes,
                         const SafetensorsOptions& options) {
  const auto refuse = [](const SafetensorsEntry& entry, const auto&... parts) {
    throw std::runtime_error(concat("tensor ", in_quotes(entry.name), ": ", parts...));
  };
  for (const SafetensorsEntry& entry : header.entries) {
    const std::span<const Index> shape(entry.shape);
    const std::optional<std::uint64_t> bytes = byte_count(shape, entry.dtype);
    if (!bytes) refuse(entry, "shape ", shape, " has too many elements");
    if (entry.begin > entry.end) {
      refuse(entry, "data_offsets [", entry.begin, ", ", entry.end, "] run backwards");
    }
    if (entry.end - entry.begin != *bytes) {
      refuse(entry, "data_offsets [", entry.begin, ", ", entry.end, "] span ",
             entry.end - entry.begin, " bytes, but ", dtype_name(entry.dtype), " of shape ", shape,
             " needs ", *bytes);
    }
    if (entry.end > data_bytes) {
      refuse(entry, "ends at byte ", entry.end, " of the data, which has only ", data_bytes);
    }
  }
  std::sort(header.entries.begin(), header.entries.end(),
            [](const SafetensorsEntry& a, const SafetensorsEntry& b) {
              return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
            });
  std::uint64_t position = 0;
  for (const SafetensorsEntry& entry : header.entries) {
    if (entry.begin < position) refuse(entry, "overlaps the tensor before it");
    if (entry.begin > position) {
      refuse(entry, "leaves a gap of ", entry.begin - position, " bytes before it");
    }
    position = entry.end;
  }
  if (position != data_bytes && !options.allow_trailing_bytes) {
    throw std::runtime_error(concat(data_bytes - position, " bytes follow the last tensor"));
  }
}

}  // namespace detail

/// Parses and checks the JSON header of a safetensors file whose data has `data_bytes` bytes.
/// Memory stays in proportion to `json`. Throws std::runtime_error naming the tensor and the
/// reason.
inline SafetensorsHeader parse_safetensors_header(std::string_view json, std::uint64_t data_bytes,
                                                  const SafetensorsOptions& options = {}) {
  if (json.empty() || json.front() != '{') {
    throw std::runtime_error("header does not begin with '{'");
  }
  if (json.find('\0') != std::string_view::npos) {
    throw std::runtime_error("header contains a zero byte");
  }
  detail::SafetensorsHeaderHandler handler;
  read_json(json, handler, SafetensorsLimits::text_bytes);
  SafetensorsHeader header = std::move(handler).take();
  detail::check_names(header);
  detail::check_layout(header, data_bytes, options);
  return header;
}

namespace detail {

/// Where the data of a file of `size` bytes begins, whose header says it has `header_bytes`. Throws
/// unless both are possible.
inline std::uint64_t safetensors_data_begin(std::uint64_t header_bytes, std::uint64_t size,
                                            const std::string& label) {
  if (header_bytes > SafetensorsLimits::header_bytes) {
    refuse_file(label, "header of ", header_bytes, " bytes is above the limit of ",
                SafetensorsLimits::header_bytes);
  }
  const std::uint64_t begin = sizeof(header_bytes) + header_bytes;
  if (begin > size) {
    refuse_file(label, "header of ", header_bytes, " bytes does not fit the file of ", size);
  }
  return begin;
}

/// parse_safetensors_header, whose errors begin with the file.
inline SafetensorsHeader parse_header_of(const std::string& label, std::string_view json,
                                         std::uint64_t data_bytes,
                                         const SafetensorsOptions& options) {
  try {
    return parse_safetensors_header(json, data_bytes, options);
  } catch (const std::runtime_error& error) {
    refuse_file(label, error.what());
  }
}

}  // namespace detail
}  // namespace tessera::io
