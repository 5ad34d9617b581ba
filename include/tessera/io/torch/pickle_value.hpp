#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "tessera/io/tensors/dtype.hpp"
#include "tessera/io/torch/pickle_allow_list.hpp"

namespace tessera::io {

/// Bounds of a pickle; one that holds more is refused.
struct PickleLimits {
  static constexpr std::size_t values = 250'000;
  static constexpr std::size_t items = 1'000'000;  // of all lists, tuples and dictionaries
  static constexpr std::size_t tensors = 50'000;
  static constexpr std::size_t marks = 10'000;        // open at a time
  static constexpr std::size_t depth = 64;            // values that lie deeper are left out
  static constexpr std::size_t expanded = 2'000'000;  // values, shared ones counted at every use
  static constexpr std::size_t name_bytes = 256;      // of a module or a global
  static constexpr std::size_t reasons = 1'000;       // different ones for values that are left out
};

/// Index of a value in its document. Values that a pickle shares have one index.
using PickleId = std::uint32_t;

struct PickleNone {};
/// Bytes, or a whole number beyond 64 bits as little-endian two's complement.
struct PickleBytes {
  std::string_view bytes;
};
struct PickleList {
  std::vector<PickleId> items;
};
struct PickleTuple {
  std::vector<PickleId> items;
};
/// In the order of insertion; a key that occurs again stands here again.
struct PickleDict {
  std::vector<std::pair<PickleId, PickleId>> items;
};
/// An object of class `global`: the arguments it was made with, the state it was given, and the
/// items that were put into it, if its class is one of dictionaries or lists. State and items are
/// none where there are none.
struct PickleObject {
  PickleId global = 0;
  PickleId arguments = 0;
  PickleId state = 0;
  PickleId items = 0;
};
/// A value that is not read; reasons[reason] says why.
struct PickleLeftOut {
  std::uint32_t reason = 0;
};
/// A mention of globals[index].
struct PickleGlobalRef {
  std::uint32_t index = 0;
};
/// A mention of storages[index].
struct PickleStorageRef {
  std::uint32_t index = 0;
};
/// A view of a storage; shape and strides are tuples of whole numbers.
struct PickleTensor {
  std::uint32_t storage = 0;
  PickleId shape = 0;
  PickleId strides = 0;
  Dtype dtype = Dtype::f32;
  Index offset = 0;  // in elements
};

using PickleValue = std::variant<PickleNone, bool, std::int64_t, double, std::string_view,
                                 PickleBytes, PickleList, PickleTuple, PickleDict, PickleObject,
                                 PickleGlobalRef, PickleStorageRef, PickleTensor, PickleLeftOut>;

/// Raw memory that tensors share, kept outside of the pickle under `key`.
struct PickleStorage {
  std::string_view key = {};
  std::optional<Dtype> dtype = std::nullopt;  // none: untyped, counted in bytes
  Index count = 0;
  Index view_offset = 0;  // elements of the stored memory before this part of it
  Index view_count = 0;
  std::string_view foreign =
      {};                   // class of elements that no Dtype names, whose tensors are left out
  Index foreign_bytes = 0;  // of one of them; 0: not known

  Index element_bytes() const {
    if (!foreign.empty()) return foreign_bytes;
    return dtype ? dtype_size(*dtype) : 1;
  }
};

/// The values of one pickle. Texts are views into the bytes it was read from. Free of cycles and at
/// most PickleLimits::depth deep (cut_pickle_tree), so functions may walk it by recursion.
struct PickleDocument {
  std::vector<PickleValue> values;
  std::vector<PickleStorage> storages;
  std::vector<PickleGlobal> globals;
  std::vector<std::string> reasons;  // of values that are left out
  PickleId root = 0;
  std::size_t bytes = 0;  // of the pickle; what follows is not part of it

  const PickleValue& operator[](PickleId id) const { return values[id]; }
  /// The value as T, or null.
  template <class T>
  const T* get(PickleId id) const {
    return std::get_if<T>(&values[id]);
  }
  /// The name that `id` mentions, or null.
  const PickleGlobal* global(PickleId id) const {
    const auto* reference = get<PickleGlobalRef>(id);
    return reference == nullptr ? nullptr : &globals[reference->index];
  }
  /// The value under that text key of a dictionary, or nothing.
  std::optional<PickleId> find(PickleId dictionary, std::string_view key) const {
    if (const auto* dict = get<PickleDict>(dictionary)) {
      for (const auto& [name, value] : dict->items) {
        const auto* text = get<std::string_view>(name);
        if (text != nullptr && *text == key) return value;
      }
    }
    return std::nullopt;
  }
};

}  // namespace tessera::io
