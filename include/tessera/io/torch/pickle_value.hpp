#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "tessera/io/file/fail.hpp"
#include "tessera/io/tensors/dtype.hpp"
#include "tessera/io/torch/pickle_allow_list.hpp"

namespace tessera::io {

/// What a pickle may hold at most; beyond it, it is refused.
struct PickleLimits {
  static constexpr std::size_t values = 250'000;
  static constexpr std::size_t items = 1'000'000;  // of all lists, tuples and dictionaries
  static constexpr std::size_t tensors = 50'000;
  static constexpr std::size_t depth = 64;
  static constexpr std::size_t expanded = 2'000'000;  // values, shared ones counted at every use
  static constexpr std::size_t name_bytes = 256;      // of a module or a global
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
/// Something of class `global`: the arguments it was made with and the state it was given.
struct PickleObject {
  PickleId global = 0;
  PickleId arguments = 0;
  PickleId state = 0;
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
                                 PickleGlobalRef, PickleStorageRef, PickleTensor>;

/// Raw memory that tensors share, kept outside of the pickle under `key`.
struct PickleStorage {
  std::string_view key;
  std::optional<Dtype> dtype;  // none: untyped, counted in bytes
  Index count = 0;
  Index view_offset = 0;  // elements of the stored memory before this part of it
  Index view_count = 0;

  Index element_bytes() const { return dtype ? dtype_size(*dtype) : 1; }
};

/// The values of one pickle. Texts are views into the bytes it was read from. Free of cycles and at
/// most PickleLimits::depth deep, so functions may walk it by recursion.
struct PickleDocument {
  std::vector<PickleValue> values;
  std::vector<PickleStorage> storages;
  std::vector<PickleGlobal> globals;
  PickleId root = 0;
  std::size_t bytes = 0;  // of the pickle; what follows is not part of it

  const PickleValue& operator[](PickleId id) const { return values[id]; }
  /// The value as T, or null.
  template <class T>
  const T* get(PickleId id) const {
    return std::get_if<T>(&values[id]);
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

namespace detail {

/// Number of values that `value` holds, and the one at `position` of them.
inline std::size_t pickle_child_count(const PickleValue& value) {
  if (const auto* list = std::get_if<PickleList>(&value)) return list->items.size();
  if (const auto* tuple = std::get_if<PickleTuple>(&value)) return tuple->items.size();
  if (const auto* dict = std::get_if<PickleDict>(&value)) return 2 * dict->items.size();
  return std::holds_alternative<PickleObject>(value) ? 2 : 0;
}
inline PickleId pickle_child(const PickleValue& value, std::size_t position) {
  if (const auto* list = std::get_if<PickleList>(&value)) return list->items[position];
  if (const auto* tuple = std::get_if<PickleTuple>(&value)) return tuple->items[position];
  if (const auto* dict = std::get_if<PickleDict>(&value)) {
    const auto& item = dict->items[position / 2];
    return position % 2 == 0 ? item.first : item.second;
  }
  const auto& object = std::get<PickleObject>(value);
  return position == 0 ? object.arguments : object.state;
}

/// Refuses values that hold themselves, go too deep, or grow beyond all bounds when every use of a
/// shared value is counted. Visits each value once and does not recurse.
inline void check_pickle_tree(const PickleDocument& document, const std::string& where) {
  struct Visit {
    PickleId id;
    std::size_t next = 0;
    std::size_t depth = 1;  // of what is below, this value included
    std::size_t size = 1;
  };
  struct Result {
    std::uint32_t size = 0;  // 0: not visited
    std::uint8_t depth = 0;
    bool open = false;
  };
  std::vector<Result> results(document.values.size());
  std::vector<Visit> path{{document.root}};
  results[document.root].open = true;
  while (!path.empty()) {
    Visit& visit = path.back();
    const PickleValue& value = document[visit.id];
    if (visit.next < pickle_child_count(value)) {
      const PickleId child = pickle_child(value, visit.next);
      Result& result = results[child];
      if (result.open) refuse_file(where, "a value holds itself");
      if (result.size == 0) {
        if (path.size() == PickleLimits::depth) {
          refuse_file(where, "values are nested deeper than ", PickleLimits::depth);
        }
        result.open = true;
        path.push_back({child});
        continue;
      }
      ++visit.next;
      visit.depth = std::max(visit.depth, std::size_t{1} + result.depth);
      visit.size += result.size;
      if (visit.depth > PickleLimits::depth) {
        refuse_file(where, "values are nested deeper than ", PickleLimits::depth);
      }
      if (visit.size > PickleLimits::expanded) {
        refuse_file(where, "shared values unfold to more than ", PickleLimits::expanded);
      }
    } else {
      results[visit.id] = {static_cast<std::uint32_t>(visit.size),
                           static_cast<std::uint8_t>(visit.depth), false};
      path.pop_back();
    }
  }
}

}  // namespace detail

}  // namespace tessera::io
