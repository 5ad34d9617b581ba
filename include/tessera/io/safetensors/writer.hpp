#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tessera/core/tensor.hpp"
#include "tessera/io/safetensors/format.hpp"
#include "tessera/io/tensors/dtype.hpp"
#include "tessera/io/tensors/metadata.hpp"

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

  /// Adds plain memory, row-major, as add() above. Throws also if the values do not fill the shape.
  template <Storable Scalar>
  void add(std::string name, std::span<const Index> shape, std::span<const Scalar> values,
           Dtype dtype = dtype_of<Scalar>()) {
    check(name, shape, values.size(), dtype, dtype_of<Scalar>(), is_convertible<Scalar>(dtype));
    append({std::move(name),
            dtype,
            {shape.begin(), shape.end()},
            0,
            values.size() * static_cast<std::uint64_t>(dtype_size(dtype))},
           values.data(), encode<Scalar>);
  }

  /// Throws std::invalid_argument if the key is there already or one of the texts is not UTF-8.
  void add_metadata(std::string key, std::string value);

  /// Writes the file, all or nothing (see replace_file). Throws std::runtime_error naming the file
  /// if no reader of this library would take it (SafetensorsLimits), and the tensor for a finite
  /// value that its dtype would turn into infinity. An older file stays then.
  void write(const std::filesystem::path& path) const;

  /// The bytes that write() would write. Throws as write().
  std::vector<std::byte> bytes() const;

 private:
  /// Turns `count` values from `first` on into bytes; returns how many it could.
  using Encode = Index (*)(const void* values, Index first, Index count, Dtype dtype,
                           std::byte* bytes);

  struct Item {
    SafetensorsEntry entry;  // end: bytes of the tensor
    const void* values;
    Encode encode;
  };

  template <Storable Scalar>
  static Index encode(const void* values, Index first, Index count, Dtype dtype, std::byte* bytes) {
    const std::span<const Scalar> part(static_cast<const Scalar*>(values) + first,
                                       static_cast<std::size_t>(count));
    return detail::encode_values(part, dtype, bytes);
  }

  void check(std::string_view name, std::span<const Index> shape, std::size_t count, Dtype dtype,
             Dtype source, bool convertible) const;
  void append(SafetensorsEntry entry, const void* values, Encode encode);
  std::vector<const Item*> sorted() const;
  std::string header(const std::string& label) const;
  template <class Sink>
  void emit(const std::string& label, const std::string& head, const Sink& sink) const;

  std::vector<Item> items_;
  std::set<std::string, std::less<>> names_;
  TensorMetadata metadata_;
};

}  // namespace tessera::io

#ifndef TESSERA_COMPILED_LIB
#include "tessera/io/safetensors/writer_impl.hpp"
#endif
