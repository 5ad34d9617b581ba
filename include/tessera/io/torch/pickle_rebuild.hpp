#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "tessera/io/tensors/limits.hpp"
#include "tessera/io/text/printable.hpp"
#include "tessera/io/torch/pickle_stack.hpp"

// What takes the place of the calls that a pickle asks for: the arguments are checked and kept.

namespace tessera::io::detail {

/// ("storage", class, key, device, count), and in old files a view of it: (key, offset, count).
inline PickleId make_storage(PickleStack& stack, PickleId id) {
  const std::vector<PickleId>& parts = stack.tuple(id, "persistent id", 5);
  const std::string_view kind = stack.text(parts[0], "kind of a persistent id");
  if (kind != "storage") {
    stack.refuse("persistent id of kind ", in_quotes(kind), " is not supported");
  }
  const PickleGlobal& type = stack.global(parts[1]);
  if (type.kind != PickleGlobalKind::storage) stack.refuse(stack.name_of(type), " is no storage");
  PickleStorage storage{stack.text(parts[2], "key of a storage"), type.dtype,
                        stack.integer(parts[4], "size of a storage"), 0, 0};
  storage.view_count = storage.count;
  if (storage.count < 0) stack.refuse("storage has ", storage.count, " elements");
  if (parts.size() > 5 && stack.get<PickleNone>(parts[5]) == nullptr) {
    const std::vector<PickleId>& view = stack.tuple(parts[5], "view of a storage", 3);
    storage.view_offset = stack.integer(view[1], "offset of a view");
    storage.view_count = stack.integer(view[2], "size of a view");
    if (storage.view_offset < 0 || storage.view_count < 0 || storage.view_offset > storage.count ||
        storage.view_count > storage.count - storage.view_offset) {
      stack.refuse("view of ", storage.view_count, " elements at ", storage.view_offset,
                   " leaves its storage of ", storage.count);
    }
  }
  if (stack.document.storages.size() == PickleLimits::tensors) {
    stack.refuse("mentions storages more than ", PickleLimits::tensors, " times");
  }
  stack.document.storages.push_back(storage);
  return stack.add(
      PickleStorageRef{static_cast<std::uint32_t>(stack.document.storages.size() - 1)});
}

inline PickleId make_dictionary(PickleStack& stack, const PickleGlobal& function,
                                const std::vector<PickleId>& given) {
  PickleDict dict;
  if (!given.empty()) {
    const auto* pairs = stack.get<PickleList>(given[0]);
    if (given.size() > 1 || pairs == nullptr) {
      stack.refuse(stack.name_of(function), " is given no pairs");
    }
    stack.count_items(2 * pairs->items.size());
    for (const PickleId id : pairs->items) {
      const auto* list = stack.get<PickleList>(id);
      const std::vector<PickleId>& pair = list ? list->items : stack.tuple(id, "pair", 2);
      if (pair.size() != 2) stack.refuse("pair has ", pair.size(), " items");
      dict.items.emplace_back(pair[0], pair[1]);
    }
  }
  return stack.add(std::move(dict));
}

/// (storage, offset, shape, strides, ...), a dtype as the seventh where the function takes one.
inline PickleId make_tensor(PickleStack& stack, const PickleGlobal& function, PickleId arguments) {
  const bool with_dtype = function.kind == PickleGlobalKind::rebuild_tensor_with_dtype;
  const std::vector<PickleId>& given = stack.tuple(arguments, "argument list", with_dtype ? 7 : 4);
  const auto* reference = stack.get<PickleStorageRef>(given[0]);
  if (reference == nullptr) stack.refuse(stack.name_of(function), " is given no storage");
  PickleTensor tensor{reference->index, given[2], given[3], Dtype::f32,
                      stack.integer(given[1], "offset of a tensor")};
  std::optional<Dtype> dtype = stack.document.storages[reference->index].dtype;
  if (with_dtype) {
    if (stack.global(given[6]).kind != PickleGlobalKind::dtype) {
      stack.refuse(stack.name_of(stack.global(given[6])), " is no dtype");
    }
    dtype = stack.global(given[6]).dtype;
  }
  if (!dtype) stack.refuse("a tensor of an untyped storage has no dtype");
  tensor.dtype = *dtype;
  for (const PickleId sizes : {tensor.shape, tensor.strides}) {
    const std::vector<PickleId>& numbers = stack.tuple(sizes, "shape or strides", 0);
    if (numbers.size() > TensorLimits::rank) {
      stack.refuse("a tensor has more than ", TensorLimits::rank, " dimensions");
    }
    for (const PickleId id : numbers) stack.integer(id, "a size or a stride");
  }
  stack.count_tensor();
  return stack.add(tensor);
}

/// The value that stands for callable(*arguments).
inline PickleId reduce(PickleStack& stack, PickleId callable, PickleId arguments) {
  const PickleGlobal& function = stack.global(callable);
  const std::vector<PickleId>& given = stack.tuple(arguments, "argument list", 0);
  switch (function.kind) {
    case PickleGlobalKind::rebuild_tensor:
    case PickleGlobalKind::rebuild_tensor_with_dtype:
      return make_tensor(stack, function, arguments);
    case PickleGlobalKind::rebuild_parameter:
      if (given.empty() || stack.get<PickleTensor>(given[0]) == nullptr) {
        stack.refuse(stack.name_of(function), " is given no tensor");
      }
      return given[0];
    case PickleGlobalKind::rebuild_subclass: {
      const std::vector<PickleId>& parts = stack.tuple(arguments, "argument list", 3);
      if (stack.global(parts[1]).kind != PickleGlobalKind::tensor_class) {
        stack.refuse(stack.name_of(stack.global(parts[1])), " is no class of tensors");
      }
      if (stack.global(parts[0]).kind == PickleGlobalKind::rebuild_subclass) {
        stack.refuse(stack.name_of(function), " is given itself");
      }
      return reduce(stack, parts[0], parts[2]);
    }
    case PickleGlobalKind::dictionary:
      return make_dictionary(stack, function, given);
    case PickleGlobalKind::sequence:
      if (given.empty()) return stack.empty_tuple;
      if (given.size() > 1 || (stack.get<PickleTuple>(given[0]) == nullptr &&
                               stack.get<PickleList>(given[0]) == nullptr)) {
        stack.refuse(stack.name_of(function), " is given no sequence");
      }
      return given[0];
    case PickleGlobalKind::plain:
    case PickleGlobalKind::opaque:
      return stack.add(PickleObject{callable, arguments, stack.none});
    default:
      stack.refuse(stack.name_of(function), " is nothing to call");
  }
}

/// An object of class `type`, not initialised.
inline PickleId new_object(PickleStack& stack, PickleId type, PickleId arguments) {
  const PickleGlobal& found = stack.global(type);
  if (found.kind != PickleGlobalKind::plain && found.kind != PickleGlobalKind::opaque) {
    stack.refuse(stack.name_of(found), " is not made this way");
  }
  stack.tuple(arguments, "argument list", 0);
  return stack.add(PickleObject{type, arguments, stack.none});
}

/// Gives the object on top of the stack its state.
inline void build(PickleStack& stack, PickleId state) {
  if (auto* object = stack.get<PickleObject>(stack.top())) {
    object->state = state;
  } else if (stack.get<PickleDict>(stack.top()) == nullptr) {
    stack.refuse("gives a state to what has none");
  }  // the attributes of a dictionary (versions of modules) are not kept
}

}  // namespace tessera::io::detail
