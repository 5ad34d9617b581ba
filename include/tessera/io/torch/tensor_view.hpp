#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tessera/io/file/fail.hpp"
#include "tessera/io/tensors/limits.hpp"
#include "tessera/io/tensors/stored_tensor.hpp"
#include "tessera/io/text/printable.hpp"
#include "tessera/io/torch/pickle_value.hpp"

namespace tessera::io::detail {

using StorageBytes = std::span<const std::byte>;

/// The whole numbers of a tuple.
inline std::vector<Index> tuple_numbers(const PickleDocument& document, PickleId tuple) {
  std::vector<Index> numbers;
  for (const PickleId id : document.get<PickleTuple>(tuple)->items) {
    numbers.push_back(static_cast<Index>(*document.get<std::int64_t>(id)));
  }
  return numbers;
}

inline bool is_row_major(const StoredTensor& tensor) {
  Index expected = 1;
  for (std::size_t axis = tensor.shape.size(); axis-- > 0;) {
    if (tensor.shape[axis] == 0) return true;
    if (tensor.shape[axis] != 1 && tensor.strides[axis] != expected) return false;
    expected *= tensor.shape[axis];
  }
  return true;
}

/// Elements from the first to the last that the tensor touches in a storage of `room` elements.
/// Refuses a tensor that leaves its storage.
inline Index element_extent(const StoredTensor& tensor, Index offset, Index room,
                            const std::string& label) {
  const std::span<const Index> shape(tensor.shape);
  const std::span<const Index> strides(tensor.strides);
  const auto refuse = [&](const auto&... parts) {
    refuse_file(label, "tensor ", in_quotes(tensor.name), ": ", parts...);
  };
  if (shape.size() != strides.size()) {
    refuse("shape ", shape, " and strides ", strides, " differ in length");
  }
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    if (shape[axis] < 0 || static_cast<std::uint64_t>(shape[axis]) > TensorLimits::dimension) {
      refuse("shape ", shape, " has a size that is negative or above the limit");
    }
    if (strides[axis] < 0) refuse("strides ", strides, " are negative");
  }
  const std::optional<std::uint64_t> count = byte_count(shape, Dtype::u8);
  if (!count) refuse("shape ", shape, " has too many elements");
  if (offset < 0 || offset > room) refuse("begins at element ", offset, " of a storage of ", room);
  if (*count == 0) return 0;
  Index last = offset;
  for (std::size_t axis = 0; axis < shape.size(); ++axis) {
    Index step = 0;
    if (__builtin_mul_overflow(shape[axis] - 1, strides[axis], &step) ||
        __builtin_add_overflow(last, step, &last)) {
      last = std::numeric_limits<Index>::max();
      break;
    }
  }
  if (last >= room) {
    refuse("shape ", shape, " with strides ", strides, " from element ", offset,
           " on leaves its storage of ", room, " elements");
  }
  return last - offset + 1;
}

/// The view of a storage's bytes that a tensor of a pickle is.
inline StoredTensor view_storage(const PickleDocument& document, const PickleTensor& tensor,
                                 StorageBytes storage, const std::string& name,
                                 const std::string& label) {
  StoredTensor view{name,
                    tensor.dtype,
                    tuple_numbers(document, tensor.shape),
                    tuple_numbers(document, tensor.strides),
                    {},
                    {}};
  const Index size = dtype_size(view.dtype);
  const Index room = static_cast<Index>(storage.size()) / size;
  const Index extent = element_extent(view, tensor.offset, room, label);
  view.bytes = storage.subspan(static_cast<std::size_t>(tensor.offset * size),
                               static_cast<std::size_t>(extent * size));
  if (is_row_major(view)) view.strides.clear();
  return view;
}

}  // namespace tessera::io::detail
