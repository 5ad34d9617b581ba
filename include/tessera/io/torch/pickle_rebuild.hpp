#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tessera/io/tensors/limits.hpp"
#include "tessera/io/text/printable.hpp"
#include "tessera/io/torch/pickle_stack.hpp"

// Stand-ins for the calls that a pickle asks for: arguments are checked and kept, nothing is
// called. What is well-formed and still not read (a tensor of a dtype without a Dtype, an object of
// a class that is not on the list) becomes a value that says so. What torch never writes is
// refused.

namespace tessera::io::detail {

/// The class of elements of a storage, of any of torch's storage classes.
inline void set_element_type(PickleStack& stack, PickleStorage& storage, const PickleGlobal& type) {
  const bool unknown = type.kind == PickleGlobalKind::unknown && type.module.starts_with("torch") &&
                       type.name.ends_with("Storage");
  if (type.kind == PickleGlobalKind::foreign_storage || unknown) {
    storage.foreign = type.name;
    storage.foreign_bytes = type.element_bytes;
  } else if (type.kind == PickleGlobalKind::storage) {
    storage.dtype = type.dtype;
  } else {
    stack.refuse(stack.name_of(type), " is no storage");
  }
}

/// The value that a persistent id stands for. ("storage", class, key, device, count) is memory, in
/// old files also a view of it: (key, offset, count). ("module", class, path, source), which old
/// files hold for every class of modules, is the class.
inline PickleId resolve_persistent_id(PickleStack& stack, PickleId id) {
  if (const auto* four = stack.get<PickleTuple>(id); four != nullptr && four->items.size() == 4) {
    const bool is_class = stack.document.global(four->items[1]) != nullptr;
    if (is_class && stack.text(four->items[0], "kind of a persistent id") == "module") {
      return four->items[1];
    }
  }
  const std::vector<PickleId>& parts = stack.tuple(id, "persistent id", 5);
  const std::string_view kind = stack.text(parts[0], "kind of a persistent id");
  if (kind != "storage") {
    stack.refuse("persistent id of kind ", in_quotes(kind), " is not supported");
  }
  PickleStorage storage;
  set_element_type(stack, storage, stack.global(parts[1]));
  storage.key = stack.text(parts[2], "key of a storage");
  storage.count = stack.integer(parts[4], "size of a storage");
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
  if (given.size() == 1 && stack.get<PickleDict>(given[0]) != nullptr) {
    dict = *stack.get<PickleDict>(given[0]);
    stack.count_items(2 * dict.items.size());
  } else if (!given.empty()) {
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

/// True if an argument of a function of torch is a dictionary with flags of a tensor: its values
/// are to be negated or conjugated when it is read.
inline bool has_flags(PickleStack& stack, const std::vector<PickleId>& given,
                      std::size_t position) {
  const auto* flags = position < given.size() ? stack.get<PickleDict>(given[position]) : nullptr;
  return flags != nullptr && !flags->items.empty();
}

/// (storage, offset, shape, strides, ...), a dtype as the seventh where the function takes one.
inline PickleId make_tensor(PickleStack& stack, const PickleGlobal& function, PickleId arguments) {
  const bool with_dtype = function.kind == PickleGlobalKind::rebuild_tensor_with_dtype;
  const std::vector<PickleId>& given = stack.tuple(arguments, "argument list", with_dtype ? 7 : 4);
  const auto* reference = stack.get<PickleStorageRef>(given[0]);
  if (reference == nullptr) stack.refuse(stack.name_of(function), " is given no storage");
  PickleTensor tensor{reference->index, given[2], given[3], Dtype::f32,
                      stack.integer(given[1], "offset of a tensor")};
  for (const PickleId sizes : {tensor.shape, tensor.strides}) {
    const std::vector<PickleId>& numbers = stack.tuple(sizes, "shape or strides", 0);
    if (numbers.size() > TensorLimits::rank) {
      stack.refuse("a tensor has more than ", TensorLimits::rank, " dimensions");
    }
    for (const PickleId id : numbers) stack.integer(id, "a size or a stride");
  }
  stack.count_tensor();

  const PickleStorage& storage = stack.document.storages[reference->index];
  std::optional<Dtype> dtype = storage.dtype;
  if (with_dtype) {
    const PickleGlobal& stated = stack.global(given[6]);
    if (stated.kind == PickleGlobalKind::unknown) {  // float8 and what comes after it
      return stack.leave_out(concat("a tensor of ", stack.name_of(stated)));
    }
    if (stated.kind != PickleGlobalKind::dtype) stack.refuse(stack.name_of(stated), " is no dtype");
    dtype = stated.dtype;
  }
  if (!storage.foreign.empty()) {
    return stack.leave_out(concat("a tensor in a ", in_quotes(storage.foreign)));
  }
  if (!dtype) stack.refuse("a tensor of an untyped storage has no dtype");
  if (has_flags(stack, given, with_dtype ? 7 : 6)) {
    return stack.leave_out("a tensor whose values are negated or conjugated when read");
  }
  tensor.dtype = *dtype;
  return stack.add(tensor);
}

/// A tensor that was on a device without a storage: (tensor, dtype, device, gradient).
inline PickleId make_device_tensor(PickleStack& stack, const PickleGlobal& function,
                                   const std::vector<PickleId>& given) {
  const auto* tensor = given.size() < 2 ? nullptr : stack.get<PickleTensor>(given[0]);
  if (tensor == nullptr) stack.refuse(stack.name_of(function), " is given no tensor");
  if (stack.global(given[1]).dtype == tensor->dtype) return given[0];
  return stack.leave_out(concat("a tensor of ", stack.name_of(stack.global(given[1]))));
}

/// An object that stands for what a call would have returned.
inline PickleId make_object(PickleStack& stack, PickleId type, PickleId arguments) {
  return stack.add(PickleObject{type, arguments, stack.none, stack.none});
}

PickleId reduce(PickleStack& stack, PickleId callable, PickleId arguments);

/// (function of torch, class, arguments, state): the tensor that the function makes, for its class
/// says no more than how it behaves; unless that class is unknown.
inline PickleId make_subclass(PickleStack& stack, const PickleGlobal& function,
                              PickleId arguments) {
  const std::vector<PickleId>& parts = stack.tuple(arguments, "argument list", 3);
  const PickleGlobal& type = stack.global(parts[1]);
  const PickleGlobalKind maker = stack.global(parts[0]).kind;
  if (type.kind == PickleGlobalKind::unknown || maker == PickleGlobalKind::unknown) {
    return stack.leave_out(concat("a tensor of class ", stack.name_of(type)));
  }
  if (type.kind != PickleGlobalKind::tensor_class) {
    stack.refuse(stack.name_of(type), " is no class of tensors");
  }
  if (maker == PickleGlobalKind::rebuild_subclass) {
    stack.refuse(stack.name_of(function), " is given itself");
  }
  return reduce(stack, parts[0], parts[2]);
}

/// A sequence as it is given, or a list of its own where items may follow.
inline PickleId make_sequence(PickleStack& stack, const PickleGlobal& function,
                              const std::vector<PickleId>& given) {
  const bool is_queue = function.kind == PickleGlobalKind::queue;
  std::vector<PickleId> items;
  if (!given.empty()) {
    const auto* tuple = stack.get<PickleTuple>(given[0]);
    const auto* list = stack.get<PickleList>(given[0]);
    if (given.size() > (is_queue ? 2 : 1) || (tuple == nullptr && list == nullptr)) {
      stack.refuse(stack.name_of(function), " is given no sequence");
    }
    if (!is_queue) return given[0];
    items = tuple != nullptr ? tuple->items : list->items;
  }
  if (!is_queue) return stack.empty_tuple;
  stack.count_items(items.size());
  return stack.add(PickleList{std::move(items)});
}

/// The value that stands for callable(*arguments).
inline PickleId reduce(PickleStack& stack, PickleId callable, PickleId arguments) {
  if (stack.get<PickleObject>(callable) != nullptr ||
      stack.get<PickleLeftOut>(callable) != nullptr) {
    return make_object(stack, callable, arguments);
  }
  const PickleGlobal& function = stack.global(callable);
  const std::vector<PickleId>& given = stack.tuple(arguments, "argument list", 0);
  switch (function.kind) {
    case PickleGlobalKind::rebuild_tensor:
    case PickleGlobalKind::rebuild_tensor_with_dtype:
      return make_tensor(stack, function, arguments);
    case PickleGlobalKind::rebuild_parameter:
      if (given.empty() || (stack.get<PickleTensor>(given[0]) == nullptr &&
                            stack.get<PickleLeftOut>(given[0]) == nullptr &&
                            stack.get<PickleObject>(given[0]) == nullptr)) {
        stack.refuse(stack.name_of(function), " is given no tensor");
      }
      return given[0];
    case PickleGlobalKind::rebuild_subclass:
      return make_subclass(stack, function, arguments);
    case PickleGlobalKind::rebuild_device_tensor:
      return make_device_tensor(stack, function, given);
    case PickleGlobalKind::unreadable_tensor:
      return stack.leave_out(concat("a tensor made by ", stack.name_of(function)));
    case PickleGlobalKind::dictionary:
      return make_dictionary(stack, function, given);
    case PickleGlobalKind::default_dictionary:
      return make_dictionary(stack, function,
                             given.size() > 1 ? std::vector{given[1]} : std::vector<PickleId>{});
    case PickleGlobalKind::sequence:
    case PickleGlobalKind::queue:
      return make_sequence(stack, function, given);
    case PickleGlobalKind::plain:
    case PickleGlobalKind::unknown:
      return make_object(stack, callable, arguments);
    case PickleGlobalKind::storage:
    case PickleGlobalKind::foreign_storage:
    case PickleGlobalKind::dtype:
    case PickleGlobalKind::tensor_class:
      break;
  }
  stack.refuse(stack.name_of(function), " is nothing to call");
}

/// An object of class `type`, not initialized.
inline PickleId new_object(PickleStack& stack, PickleId type, PickleId arguments) {
  if (stack.get<PickleObject>(type) == nullptr && stack.get<PickleLeftOut>(type) == nullptr) {
    const PickleGlobal& found = stack.global(type);
    if (found.kind != PickleGlobalKind::plain && found.kind != PickleGlobalKind::unknown) {
      stack.refuse(stack.name_of(found), " is not made this way");
    }
  }
  stack.tuple(arguments, "argument list", 0);
  return make_object(stack, type, arguments);
}

/// Gives the value on top of the stack its state. Only objects keep it: the attributes of a
/// dictionary (versions of modules), of a list or of a tensor name no weights.
inline void build(PickleStack& stack, PickleId state) {
  const PickleId target = stack.top();
  if (auto* object = stack.get<PickleObject>(target)) {
    object->state = state;
  } else if (stack.get<PickleDict>(target) == nullptr && stack.get<PickleList>(target) == nullptr &&
             stack.get<PickleTensor>(target) == nullptr &&
             stack.get<PickleLeftOut>(target) == nullptr) {
    stack.refuse("gives a state to what has none");
  }
}

/// The container that items for the value on top of the stack go to: itself, or the one that its
/// object keeps. Null if the items are left out with it.
template <class Container>
Container* item_container(PickleStack& stack, std::string_view complaint) {
  const PickleId target = stack.top();
  if (stack.get<PickleLeftOut>(target) != nullptr) return nullptr;
  if (auto* container = stack.get<Container>(target)) return container;
  if (stack.get<PickleObject>(target) == nullptr) stack.refuse(complaint);
  PickleId items = stack.get<PickleObject>(target)->items;
  if (items == stack.none) {
    items = stack.add(Container{});
    stack.get<PickleObject>(target)->items = items;
  }
  // A class of lists and dictionaries in one keeps what it was given first.
  return stack.get<Container>(items);
}

}  // namespace tessera::io::detail
