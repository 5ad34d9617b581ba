#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tessera/core/tensor.hpp"
#include "tessera/io/file/fail.hpp"
#include "tessera/io/file/file.hpp"
#include "tessera/io/safetensors/header.hpp"
#include "tessera/io/tensors/dtype.hpp"
#include "tessera/io/tensors/metadata.hpp"
#include "tessera/io/text/printable.hpp"

namespace tessera::io {

/// A safetensors file, or the bytes of one. Opening it checks all but the values; tensors are read
/// when asked for. All errors about the file are std::runtime_error "file: tensor 'name': reason";
/// on error no output has changed. Const use from several threads is safe.
class SafetensorsReader {
 public:
  /// The file stays open. It must not change meanwhile.
  explicit SafetensorsReader(const std::filesystem::path& path,
                             const SafetensorsOptions& options = {})
      : file_(path), label_(file_->name()) {
    open(file_->size(), options);
  }

  /// Weights in memory, which must outlive the reader. `label` stands for the file in messages.
  explicit SafetensorsReader(std::span<const std::byte> bytes, std::string label = "memory",
                             const SafetensorsOptions& options = {})
      : memory_(bytes), label_(std::move(label)) {
    open(bytes.size(), options);
  }
  explicit SafetensorsReader(std::vector<std::byte>&& bytes, std::string label = "memory",
                             const SafetensorsOptions& options = {}) = delete;

  const std::string& label() const { return label_; }
  const TensorMetadata& metadata() const { return header_.metadata; }
  /// In the order of their bytes.
  const std::vector<SafetensorsEntry>& tensors() const { return header_.entries; }
  bool contains(std::string_view name) const { return find(name) != nullptr; }

  /// Throws if there is no such tensor.
  const SafetensorsEntry& entry(std::string_view name) const {
    const SafetensorsEntry* found = find(name);
    if (found == nullptr) {
      refuse_file(label_, "tensor ", in_quotes(name), ": is not among the ", header_.entries.size(),
                  " tensors of the file");
    }
    return *found;
  }

  /// The tensor in its own shape. Floats of any stored kind become Scalar (double rounds to float,
  /// overflow throws); integers and booleans must be stored as Scalar exactly.
  template <Storable Scalar, int Rank>
  Tensor<Scalar, Rank> read(std::string_view name) const {
    const SafetensorsEntry& found = entry(name);
    if (found.shape.size() != static_cast<std::size_t>(Rank)) {
      refuse_tensor(found, "has shape ", std::span<const Index>(found.shape), ", but rank ", Rank,
                    " was asked for");
    }
    check_dtype<Scalar>(found);
    Shape<Rank> shape{};
    if constexpr (Rank > 0) std::copy(found.shape.begin(), found.shape.end(), shape.begin());
    Tensor<Scalar, Rank> tensor = Tensor<Scalar, Rank>::empty(shape);
    load(found, tensor.values());
    return tensor;
  }

  /// As read(), into `values`, row-major. Throws unless the stored shape is `shape` and `values`
  /// has as many elements.
  template <Storable Scalar>
  void read_into(std::string_view name, std::span<const Index> shape,
                 std::span<Scalar> values) const {
    const SafetensorsEntry& found = entry(name);
    if (!std::equal(shape.begin(), shape.end(), found.shape.begin(), found.shape.end())) {
      refuse_tensor(found, "has shape ", std::span<const Index>(found.shape), ", but ", shape,
                    " was expected");
    }
    read_into(name, values);
  }
  template <Storable Scalar, int Rank>
  void read_into(std::string_view name, Tensor<Scalar, Rank>& tensor) const {
    read_into(name, std::span<const Index>(tensor.shape()), tensor.values());
  }

  /// As read(), into `values`, row-major, whatever the shape. Throws unless the counts agree.
  template <Storable Scalar>
  void read_into(std::string_view name, std::span<Scalar> values) const {
    const SafetensorsEntry& found = entry(name);
    if (static_cast<Index>(values.size()) != found.element_count()) {
      refuse_tensor(found, "has ", found.element_count(), " elements, but ", values.size(),
                    " were expected");
    }
    check_dtype<Scalar>(found);
    Buffer<Scalar> buffer(values.size());  // a file that fails half-way must not change `values`
    load(found, std::span<Scalar>(buffer.data(), buffer.size()));
    std::copy_n(buffer.data(), buffer.size(), values.data());
  }

  /// The stored bytes, little-endian, row-major.
  std::vector<std::byte> read_bytes(std::string_view name) const {
    const SafetensorsEntry& found = entry(name);
    std::vector<std::byte> bytes(static_cast<std::size_t>(found.end - found.begin));
    fetch(data_begin_ + found.begin, bytes);
    return bytes;
  }

 private:
  void open(std::uint64_t size, const SafetensorsOptions& options) {
    std::uint64_t header_bytes = 0;
    if (size < sizeof(header_bytes)) {
      refuse_file(label_, "has ", size, " bytes; the length of the header alone takes 8");
    }
    fetch(0, std::as_writable_bytes(std::span(&header_bytes, 1)));
    data_begin_ = detail::safetensors_data_begin(header_bytes, size, label_);
    std::string json(static_cast<std::size_t>(header_bytes), '\0');
    fetch(sizeof(header_bytes), std::as_writable_bytes(std::span(json)));
    header_ = detail::parse_header_of(label_, json, size - data_begin_, options);
    by_name_.resize(header_.entries.size());
    for (std::size_t i = 0; i < by_name_.size(); ++i) by_name_[i] = i;
    std::sort(by_name_.begin(), by_name_.end(), [this](std::size_t a, std::size_t b) {
      return header_.entries[a].name < header_.entries[b].name;
    });
  }

  const SafetensorsEntry* find(std::string_view name) const {
    const auto position = std::lower_bound(
        by_name_.begin(), by_name_.end(), name,
        [this](std::size_t i, std::string_view key) { return header_.entries[i].name < key; });
    if (position == by_name_.end() || header_.entries[*position].name != name) return nullptr;
    return &header_.entries[*position];
  }

  template <class... Parts>
  [[noreturn]] void refuse_tensor(const SafetensorsEntry& entry, const Parts&... parts) const {
    refuse_file(label_, "tensor ", in_quotes(entry.name), ": ", parts...);
  }

  template <Storable Scalar>
  void check_dtype(const SafetensorsEntry& entry) const {
    if (!is_convertible<Scalar>(entry.dtype)) {
      refuse_tensor(entry, "is stored as ", dtype_name(entry.dtype), ", which is not read as ",
                    dtype_name(dtype_of<Scalar>()));
    }
  }

  void fetch(std::uint64_t offset, std::span<std::byte> bytes) const {
    if (file_) {
      file_->read(offset, bytes);
    } else if (!bytes.empty()) {
      std::memcpy(bytes.data(), memory_.data() + offset, bytes.size());
    }
  }

  /// Fills `values`, which hold the entry's count.
  template <Storable Scalar>
  void load(const SafetensorsEntry& entry, std::span<Scalar> values) const {
    if (entry.dtype == dtype_of<Scalar>() && !std::same_as<Scalar, bool>) {
      return fetch(data_begin_ + entry.begin, std::as_writable_bytes(values));
    }
    constexpr std::size_t chunk = 4096;  // values
    std::array<std::byte, chunk * 8> bytes;
    const auto size = static_cast<std::size_t>(dtype_size(entry.dtype));
    for (std::size_t first = 0; first < values.size(); first += chunk) {
      const std::span<Scalar> part = values.subspan(first, std::min(chunk, values.size() - first));
      fetch(data_begin_ + entry.begin + first * size, {bytes.data(), part.size() * size});
      const Index converted = detail::decode_values(entry.dtype, bytes.data(), part);
      if (converted != static_cast<Index>(part.size())) {
        refuse_tensor(entry, "element ", static_cast<Index>(first) + converted, " is no value of ",
                      dtype_name(dtype_of<Scalar>()));
      }
    }
  }

  std::optional<InputFile> file_;
  std::span<const std::byte> memory_;
  std::string label_;
  SafetensorsHeader header_;
  std::vector<std::size_t> by_name_;
  std::uint64_t data_begin_ = 0;
};

}  // namespace tessera::io
