#pragma once

#include <algorithm>
#include <cstring>
#include <optional>
#include <tuple>

#include "tessera/core/error.hpp"
#include "tessera/core/inline.hpp"
#include "tessera/io/file/fail.hpp"
#include "tessera/io/file/file.hpp"
#include "tessera/io/safetensors/header.hpp"
#include "tessera/io/safetensors/writer.hpp"
#include "tessera/io/tensors/limits.hpp"
#include "tessera/io/text/json_text.hpp"
#include "tessera/io/text/printable.hpp"
#include "tessera/io/text/utf8.hpp"

namespace tessera::io {

/// Refuses a tensor that add() was given, before anything is changed.
TESSERA_INLINE void SafetensorsWriter::check(std::string_view name, std::span<const Index> shape,
                                             std::size_t count, Dtype dtype, Dtype source,
                                             bool convertible) const {
  const auto refuse_if = [&](bool bad, const auto&... parts) {
    if (bad) refuse("SafetensorsWriter::add", "tensor ", in_quotes(name), ": ", parts...);
  };
  refuse_if(!is_utf8(name), "name is not UTF-8");
  refuse_if(name == "__metadata__", "name is reserved");
  refuse_if(name.size() > TensorLimits::name_bytes, "names are limited to ",
            TensorLimits::name_bytes, " bytes");
  refuse_if(names_.contains(name), "was added before");
  refuse_if(!convertible, dtype_name(source), " values cannot be stored as ", dtype_name(dtype));
  refuse_if(shape.size() > TensorLimits::rank, "shape ", shape, " has more than ",
            TensorLimits::rank, " dimensions");
  const bool fits = std::all_of(shape.begin(), shape.end(), [](Index extent) {
    return extent >= 0 && static_cast<std::uint64_t>(extent) <= TensorLimits::dimension;
  });
  refuse_if(!fits, "shape ", shape, " has a size that is negative or above the limit");
  refuse_if(
      detail::byte_count(shape, dtype) != count * static_cast<std::uint64_t>(dtype_size(dtype)),
      count, " values do not fill shape ", shape);
}

TESSERA_INLINE void SafetensorsWriter::append(SafetensorsEntry entry, const void* values,
                                              Encode to_bytes) {
  items_.push_back({std::move(entry), values, to_bytes});
  try {
    names_.insert(items_.back().entry.name);
  } catch (...) {
    items_.pop_back();
    throw;
  }
}

TESSERA_INLINE void SafetensorsWriter::add_metadata(std::string key, std::string value) {
  if (!is_utf8(key) || !is_utf8(value)) {
    refuse("SafetensorsWriter::add_metadata", "key ", in_quotes(key), ": text is not UTF-8");
  }
  if (metadata_.contains(key)) {
    refuse("SafetensorsWriter::add_metadata", "key ", in_quotes(key), ": was added before");
  }
  metadata_.emplace(std::move(key), std::move(value));
}

/// Widest dtype first, so that every tensor is aligned to its values; then by name.
TESSERA_INLINE std::vector<const SafetensorsWriter::Item*> SafetensorsWriter::sorted() const {
  std::vector<const Item*> order;
  for (const Item& item : items_) order.push_back(&item);
  std::sort(order.begin(), order.end(), [](const Item* a, const Item* b) {
    return std::tie(b->entry.dtype, a->entry.name) < std::tie(a->entry.dtype, b->entry.name);
  });
  return order;
}

/// The length and the JSON, padded so that the data begins at a multiple of 8, after a reader has
/// taken it: a file that nobody reads is not written.
TESSERA_INLINE std::string SafetensorsWriter::header(const std::string& label) const {
  std::string json = "{";
  if (!metadata_.empty()) {
    json += "\"__metadata__\":{";
    for (const auto& [key, value] : metadata_) {
      json += json_string(key) + ":" + json_string(value) + ",";
    }
    json.back() = '}';
    json += ",";
  }
  std::uint64_t begin = 0;
  for (const Item* item : sorted()) {
    const SafetensorsEntry& entry = item->entry;
    std::string shape = to_string(entry.shape);
    std::erase(shape, ' ');
    json +=
        concat(json_string(entry.name), ":{\"dtype\":\"", dtype_name(entry.dtype),
               "\",\"shape\":", shape, ",\"data_offsets\":[", begin, ",", begin + entry.end, "]},");
    begin += entry.end;
  }
  if (json.size() > 1) json.pop_back();
  json += "}";
  json.resize((json.size() + 7) / 8 * 8, ' ');
  const std::uint64_t size = json.size();
  if (size > SafetensorsLimits::header_bytes) {
    refuse_file(label, "header of ", size, " bytes is above the limit of ",
                SafetensorsLimits::header_bytes);
  }
  (void)detail::parse_header_of(label, json, begin, {});
  std::string length(sizeof(size), '\0');
  std::memcpy(length.data(), &size, sizeof(size));
  return length + json;
}

template <class Sink>
void SafetensorsWriter::emit(const std::string& label, const std::string& head,
                             const Sink& sink) const {
  sink(std::as_bytes(std::span(head)));
  constexpr Index chunk = 16384;  // values
  std::vector<std::byte> buffer(static_cast<std::size_t>(chunk) * 8);
  for (const Item* item : sorted()) {
    const SafetensorsEntry& entry = item->entry;
    for (Index first = 0; first < entry.element_count(); first += chunk) {
      const Index count = std::min(chunk, entry.element_count() - first);
      const Index stored = item->encode(item->values, first, count, entry.dtype, buffer.data());
      if (stored != count) {
        refuse_file(label, "tensor ", in_quotes(entry.name), ": element ", first + stored,
                    " is too large for ", dtype_name(entry.dtype));
      }
      sink(std::span<const std::byte>(buffer.data(),
                                      static_cast<std::size_t>(count * dtype_size(entry.dtype))));
    }
  }
}

TESSERA_INLINE void SafetensorsWriter::write(const std::filesystem::path& path) const {
  const std::string label = path.string();
  const std::string head = header(label);
  replace_file(path, [&](OutputFile& file) {
    emit(label, head, [&](std::span<const std::byte> part) { file.write(part); });
  });
}

TESSERA_INLINE std::vector<std::byte> SafetensorsWriter::bytes() const {
  std::vector<std::byte> collected;
  emit("memory", header("memory"), [&](std::span<const std::byte> part) {
    collected.insert(collected.end(), part.begin(), part.end());
  });
  return collected;
}

}  // namespace tessera::io
