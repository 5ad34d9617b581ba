#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "tessera/io/file/fail.hpp"
#include "tessera/io/torch/pickle_value.hpp"

namespace tessera::io::detail {

/// Number of values that `value` holds.
inline std::size_t pickle_child_count(const PickleValue& value) {
  if (const auto* list = std::get_if<PickleList>(&value)) return list->items.size();
  if (const auto* tuple = std::get_if<PickleTuple>(&value)) return tuple->items.size();
  if (const auto* dict = std::get_if<PickleDict>(&value)) return 2 * dict->items.size();
  return std::holds_alternative<PickleObject>(value) ? 3 : 0;
}

/// The value at `position` of those that `value` holds.
template <class Value>
auto& pickle_child(Value& value, std::size_t position) {
  if (auto* list = std::get_if<PickleList>(&value)) return list->items[position];
  if (auto* tuple = std::get_if<PickleTuple>(&value)) return tuple->items[position];
  if (auto* dict = std::get_if<PickleDict>(&value)) {
    auto& item = dict->items[position / 2];
    return position % 2 == 0 ? item.first : item.second;
  }
  auto& object = std::get<PickleObject>(value);
  return position == 0 ? object.arguments : position == 1 ? object.state : object.items;
}

/// True for an object of a class that is not on the list.
inline bool is_unknown_object(const PickleDocument& document, PickleId id) {
  const auto* object = document.get<PickleObject>(id);
  if (object == nullptr) return false;
  const PickleGlobal* type = document.global(object->global);
  return type == nullptr || type->kind == PickleGlobalKind::unknown;
}

/// Makes a tree of the document: where a value holds itself or lies deeper than
/// PickleLimits::depth, a PickleLeftOut takes its place. Such values are parts of programs (a
/// trainer and its model know each other), never tensors by name. Refuses values that grow beyond
/// all bounds when every use of a shared value is counted; the contents of unknown objects, which
/// are read on request alone, do not count here. Visits each value once and does not recurse.
inline void cut_pickle_tree(PickleDocument& document, const std::string& where) {
  const auto add_left_out = [&](std::string reason) {
    document.reasons.push_back(std::move(reason));
    document.values.push_back(
        PickleLeftOut{static_cast<std::uint32_t>(document.reasons.size() - 1)});
    return static_cast<PickleId>(document.values.size() - 1);
  };
  const PickleId holds_itself = add_left_out("holds itself");
  const PickleId too_deep = add_left_out(concat("lies deeper than ", PickleLimits::depth));

  struct Visit {
    PickleId id;
    std::size_t next = 0;   // child
    std::size_t depth = 1;  // levels of this value and what is below it
    std::size_t size = 1;   // values of this one and what is below it
  };
  struct Result {
    std::uint32_t size = 0;  // 0: not visited
    std::uint8_t depth = 0;
    bool open = false;  // on the path from the root
  };
  std::vector<Result> results(document.values.size());
  std::vector<Visit> path{{document.root}};
  results[document.root].open = true;
  while (!path.empty()) {
    Visit& visit = path.back();
    PickleValue& value = document.values[visit.id];
    if (visit.next == pickle_child_count(value)) {
      if (is_unknown_object(document, visit.id)) visit.size = 1;
      if (std::holds_alternative<PickleLeftOut>(value)) visit.depth = 0;
      results[visit.id] = {static_cast<std::uint32_t>(visit.size),
                           static_cast<std::uint8_t>(visit.depth), false};
      path.pop_back();
      continue;
    }
    PickleId& child = pickle_child(value, visit.next);
    if (results[child].open) child = holds_itself;
    const std::size_t levels = std::max<std::size_t>(1, results[child].depth);
    if (path.size() + levels > PickleLimits::depth) child = too_deep;
    Result& result = results[child];
    if (result.size == 0) {
      result.open = true;
      path.push_back({child});
      continue;
    }
    ++visit.next;
    visit.depth = std::max(visit.depth, std::size_t{1} + result.depth);
    visit.size += result.size;
    if (visit.size > PickleLimits::expanded) {
      refuse_file(where, "shared values unfold to more than ", PickleLimits::expanded);
    }
  }
}

}  // namespace tessera::io::detail
