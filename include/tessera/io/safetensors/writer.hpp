#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "tessera/core/error.hpp"
#include "tessera/core/tensor.hpp"
#include "tessera/io/file/fail.hpp"
#include "tessera/io/file/file.hpp"
#include "tessera/io/safetensors/format.hpp"
#include "tessera/io/tensors/dtype.hpp"
#include "tessera/io/tensors/limits.hpp"
#include "tessera/io/tensors/metadata.hpp"
#include "tessera/io/text/json_text.hpp"
#include "tessera/io/text/printable.hpp"
#include "tessera/io/text/utf8.hpp"

namespace tessera::io {

/// Collects named tensors and writes them as one safetensors file. It keeps views: the tensors must
/// live until the last write. The bytes depend only on what was added, not on the order, and are
/// the ones the safetensors package writes.
class SafetensorsWriter {
 public:
  /// Adds a tensor to be stored as `dtype`: floats as any float kind (rounded to nearest, ties to
  /// even), everything else as it is. Throws std::invalid_argument if the name is taken, reserved
  /// or not UTF-8, or if the dtype cannot hold Scalar.
  template <Storable Scalar, int Rank>
  void add(std::string name, const Tensor<Scalar, Rank>& tensor, Dtype dtype = dtype_of<Scalar>()) {
    add(std::move(name), std::span<const Index>(tensor.shape()), tensor.values(), dtype);
  }
  template <Storable Scalar, int Rank>
  void add(std::string name, Tensor<Scalar, Rank>&& tensor, Dtype dtype = {}) = delete;

  /// The same for plain memory, row-major. Throws also if the values do not fill the shape.
  template <Storable Scalar>
  void add(std::string name, std::span<const Index> shape, std::span<const Scalar> values,
           Dtype dtype = dtype_of<Scalar>()) {
    const std::string shown = in_quotes(name);
    const auto check = [&](bool ok, const auto&... parts) {
      if (!ok) refuse("SafetensorsWriter::add", "tensor ", shown, ": ", parts...);
    };
    check(is_utf8(name), "name is not UTF-8");
    check(name != "__metadata__", "name is reserved");
    check(name.size() <= TensorLimits::name_bytes, "names are limited to ",
          TensorLimits::name_bytes, " bytes");
    check(std::none_of(items_.begin(), items_.end(),
                       [&](const Item& item) { return item.entry.name == name; }),
          "was added before");
    check(is_convertible<Scalar>(dtype), dtype_name(dtype_of<Scalar>()),
          " values cannot be stored as ", dtype_name(dtype));
    check(shape.size() <= TensorLimits::rank, "shape ", shape, " has more than ",
          TensorLimits::rank, " dimensions");
    check(std::all_of(shape.begin(), shape.end(),
                      [](Index extent) {
                        return extent >= 0 &&
                               static_cast<std::uint64_t>(extent) <= TensorLimits::dimension;
                      }),
          "shape ", shape, " has a size that is negative or above the limit");
    const std::optional<std::uint64_t> bytes = detail::byte_count(shape, dtype);
    check(bytes == values.size() * static_cast<std::uint64_t>(dtype_size(dtype)), values.size(),
          " values do not fill shape ", shape);
    items_.push_back({{std::move(name), dtype, {shape.begin(), shape.end()}, 0, *bytes},
                      values.data(),
                      encode<Scalar>});
  }

  /// Throws std::invalid_argument if the key is there already or one of the texts is not UTF-8.
  void add_metadata(std::string key, std::string value) {
    const std::string shown = in_quotes(key);
    if (!(is_utf8(key) && is_utf8(value))) {
      refuse("SafetensorsWriter::add_metadata", "key ", shown, ": text is not UTF-8");
    }
    if (!metadata_.emplace(std::move(key), std::move(value)).second) {
      refuse("SafetensorsWriter::add_metadata", "key ", shown, ": was added before");
    }
  }

  /// Writes the file, all or nothing (see replace_file). Throws std::runtime_error naming the file
  /// and, for a finite value that its dtype would turn into infinity, the tensor.
  void write(const std::filesystem::path& path) const {
    const std::string label = path.string();
    const std::string head = header(label);
    replace_file(path, [&](OutputFile& file) {
      emit(label, head, [&](std::span<const std::byte> bytes) { file.write(bytes); });
    });
  }

  /// The same bytes in memory.
  std::vector<std::byte> bytes() const {
    std::vector<std::byte> collected;
    emit("memory", header("memory"), [&](std::span<const std::byte> bytes) {
      collected.insert(collected.end(), bytes.begin(), bytes.end());
    });
    return collected;
  }

 private:
  struct Item {
    SafetensorsEntry entry;
    const void* values;
    Index (*encode)(const void* values, Index first, Index count, Dtype dtype, std::byte* bytes);
  };

  template <Storable Scalar>
  static Index encode(const void* values, Index first, Index count, Dtype dtype, std::byte* bytes) {
    const std::span<const Scalar> part(static_cast<const Scalar*>(values) + first,
                                       static_cast<std::size_t>(count));
    return detail::encode_values(part, dtype, bytes);
  }

  /// Widest dtype first, so that every tensor is aligned to its values; then by name.
  std::vector<const Item*> sorted() const {
    std::vector<const Item*> order;
    for (const Item& item : items_) order.push_back(&item);
    std::sort(order.begin(), order.end(), [](const Item* a, const Item* b) {
      return std::tie(b->entry.dtype, a->entry.name) < std::tie(a->entry.dtype, b->entry.name);
    });
    return order;
  }

  /// The length and the JSON, padded so that the data begins at a multiple of 8.
  std::string header(const std::string& label) const {
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
      json += concat(json_string(entry.name), ":{\"dtype\":\"", dtype_name(entry.dtype),
                     "\",\"shape\":", shape, ",\"data_offsets\":[", begin, ",", begin + entry.end,
                     "]},");
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
    std::string length(sizeof(size), '\0');
    std::memcpy(length.data(), &size, sizeof(size));
    return length + json;
  }

  template <class Sink>
  void emit(const std::string& label, const std::string& head, const Sink& sink) const {
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
        sink({buffer.data(), static_cast<std::size_t>(count * dtype_size(entry.dtype))});
      }
    }
  }

  std::vector<Item> items_;
  TensorMetadata metadata_;
};

}  // namespace tessera::io
