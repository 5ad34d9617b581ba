#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "tessera/io/file/mapped_file.hpp"
#include "tessera/io/tensors/dtype.hpp"
#include "tessera/io/tensors/limits.hpp"
#include "tessera/io/tensors/metadata.hpp"

namespace tessera::io {

/// One tensor of a file: what it is and where its bytes are. Checked by whoever made it: the bytes
/// hold every element, the number of elements fits Index, and there are at most
/// TensorLimits::rank dimensions.
struct StoredTensor {
  std::string name;
  Dtype dtype = Dtype::f32;
  std::vector<Index> shape;
  std::vector<Index> strides;        // in elements, one per dimension; empty: row-major, no gaps
  std::span<const std::byte> bytes;  // from the first element to the last, little-endian
  std::shared_ptr<const MappedFile> file;  // keeps the bytes; null if they are the caller's

  Index element_count() const {
    Index count = 1;
    for (const Index extent : shape) count *= extent;
    return count;
  }
};

/// A top-level entry of a checkpoint that holds tensors: "model", "encoder", "optimizer".
struct TensorGroup {
  std::string name;
  Index tensors = 0;
};

/// A value of a weights file that is not read: its dotted path, and why.
struct SkippedValue {
  std::string name;
  std::string reason;
};

/// Contents of a weights file of any format.
struct TensorTable {
  std::vector<StoredTensor> tensors;       // in the order of the file
  TensorMetadata metadata;                 // texts and numbers by dotted path, as text
  std::vector<TensorGroup> groups;         // empty where a format or a file has none
  std::vector<SkippedValue> skipped = {};  // of a torch file: what lies beside the tensors
};

namespace detail {

/// Calls visit(first, count, packed) over the elements in row-major order; `packed` points to the
/// stored values of elements [first, first + count). Ends early when visit returns false.
template <class Visit>
void visit_chunks(const StoredTensor& tensor, const Visit& visit) {
  const Index count = tensor.element_count();
  const auto size = static_cast<std::size_t>(dtype_size(tensor.dtype));
  if (tensor.strides.empty()) {
    constexpr Index chunk = Index{1} << 18;
    for (Index first = 0; first < count; first += chunk) {
      const Index part = std::min(chunk, count - first);
      const std::span<const std::byte> bytes = tensor.bytes.subspan(
          static_cast<std::size_t>(first) * size, static_cast<std::size_t>(part) * size);
      const bool go_on = visit(first, part, bytes.data());
      if (tensor.file) tensor.file->release(bytes);
      if (!go_on) return;
    }
    return;
  }
  constexpr Index chunk = 4096;
  std::array<std::byte, chunk * 8> packed;
  std::array<Index, TensorLimits::rank> position{};  // no memory that could be refused
  Index offset = 0;                                  // of `position`, in elements
  for (Index first = 0; first < count; first += chunk) {
    const Index part = std::min(chunk, count - first);
    for (Index i = 0; i < part; ++i) {
      std::memcpy(packed.data() + static_cast<std::size_t>(i) * size,
                  tensor.bytes.data() + static_cast<std::size_t>(offset) * size, size);
      for (std::size_t axis = tensor.shape.size(); axis-- > 0;) {
        offset += tensor.strides[axis];
        if (++position[axis] < tensor.shape[axis]) break;
        offset -= tensor.strides[axis] * tensor.shape[axis];
        position[axis] = 0;
      }
    }
    if (!visit(first, part, packed.data())) return;
  }
}

/// True if a stored value of a convertible dtype may be no value of Scalar.
template <Storable Scalar>
constexpr bool may_not_fit(Dtype dtype) {
  return std::same_as<Scalar, bool> || (std::same_as<Scalar, float> && dtype == Dtype::f64);
}

}  // namespace detail

/// The row-major index of the first element that is no value of Scalar (a double beyond float, a
/// bool that is neither 0 nor 1), if there is one. Needs is_convertible<Scalar>(tensor.dtype).
template <Storable Scalar>
std::optional<Index> find_unreadable(const StoredTensor& tensor) {
  std::optional<Index> found;
  if (!detail::may_not_fit<Scalar>(tensor.dtype)) return found;
  constexpr Index chunk = 1024;
  std::array<Scalar, chunk> values;
  const auto size = static_cast<std::size_t>(dtype_size(tensor.dtype));
  detail::visit_chunks(tensor, [&](Index first, Index count, const std::byte* packed) {
    for (Index i = 0; i < count && !found; i += chunk) {
      const Index part = std::min(chunk, count - i);
      const Index readable =
          detail::decode_values(tensor.dtype, packed + static_cast<std::size_t>(i) * size,
                                std::span<Scalar>(values.data(), static_cast<std::size_t>(part)));
      if (readable != part) found = first + i + readable;
    }
    return !found;
  });
  return found;
}

/// Converts every element into `values`, row-major, straight from the stored bytes. Needs
/// is_convertible<Scalar>(tensor.dtype), as many values as elements, and nothing unreadable.
template <Storable Scalar>
void copy_values(const StoredTensor& tensor, std::span<Scalar> values) {
  detail::visit_chunks(tensor, [&](Index first, Index count, const std::byte* packed) {
    const std::span<Scalar> part =
        values.subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count));
    if (tensor.dtype == dtype_of<Scalar>() && !std::same_as<Scalar, bool>) {
      std::memcpy(part.data(), packed, part.size_bytes());
    } else {
      (void)detail::decode_values(tensor.dtype, packed, part);
    }
    return true;
  });
}

/// The values where the file has them, for somebody who may change them (PrivateMapping). None if
/// they would have to be converted or moved, or cannot be mapped.
template <std::floating_point Scalar>
std::optional<Buffer<Scalar>> map_values(const StoredTensor& tensor) {
  const bool as_stored = tensor.dtype == dtype_of<Scalar>() && tensor.strides.empty() &&
                         std::endian::native == std::endian::little;
  const bool aligned = reinterpret_cast<std::uintptr_t>(tensor.bytes.data()) % alignof(Scalar) == 0;
  if (!as_stored || !aligned || !tensor.file) return std::nullopt;
  const auto count = static_cast<std::size_t>(tensor.element_count());
  auto mapping = tensor.file->map_privately(tensor.bytes.first(count * sizeof(Scalar)));
  if (!mapping) return std::nullopt;
  auto* const values = reinterpret_cast<Scalar*>(mapping->bytes().data());
  return Buffer<Scalar>(values, count, std::move(mapping));
}

}  // namespace tessera::io
