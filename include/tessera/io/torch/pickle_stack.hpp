#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "tessera/core/error.hpp"
#include "tessera/io/file/fail.hpp"
#include "tessera/io/tensors/limits.hpp"
#include "tessera/io/text/printable.hpp"
#include "tessera/io/torch/pickle_allow_list.hpp"
#include "tessera/io/torch/pickle_check.hpp"
#include "tessera/io/torch/pickle_value.hpp"

namespace tessera::io::detail {

/// Memory of a pickle while it is read: the values made so far, a stack and a memo of their
/// indices. Every access is checked; errors name the place that at() set last.
class PickleStack {
 public:
  static constexpr PickleId unset = ~PickleId{0};

  /// `label` must live as long as the stack.
  explicit PickleStack(const std::string& label) : label_(label) {
    known_.fill(unset);
    none = add(PickleNone{});
    false_value = add(false);
    true_value = add(true);
    empty_tuple = add(PickleTuple{});
  }

  void at(std::size_t position) { position_ = position; }

  template <class... Parts>
  [[noreturn]] void refuse(const Parts&... parts) const {
    refuse_file(label_, "pickle byte ", position_, ": ", parts...);
  }

  PickleId add(PickleValue value) {
    if (document.values.size() == PickleLimits::values) {
      refuse("holds more than ", PickleLimits::values, " values");
    }
    document.values.push_back(std::move(value));
    return static_cast<PickleId>(document.values.size() - 1);
  }

  void push(PickleId id) {
    if (stack_.size() == PickleLimits::items) {
      refuse("needs a stack of more than ", PickleLimits::items);
    }
    stack_.push_back(id);
  }

  PickleId pop() { return pop_many(1).front(); }

  std::vector<PickleId> pop_many(std::size_t count) {
    const std::size_t floor = marks_.empty() ? 0 : marks_.back();
    if (stack_.size() - floor < count) refuse("takes a value from an empty stack");
    return pop_from(stack_.size() - count);
  }

  std::vector<PickleId> pop_to_mark() {
    if (marks_.empty()) refuse("has no mark to go back to");
    const std::size_t begin = marks_.back();
    marks_.pop_back();
    return pop_from(begin);
  }

  PickleId top() const {
    if (stack_.size() <= (marks_.empty() ? 0 : marks_.back())) {
      refuse("takes a value from an empty stack");
    }
    return stack_.back();
  }

  void count_items(std::size_t count) {
    items_ += count;
    if (items_ > PickleLimits::items) refuse("holds more than ", PickleLimits::items, " items");
  }

  void count_tensor() {
    if (++tensors_ > PickleLimits::tensors) {
      refuse("holds more than ", PickleLimits::tensors, " tensors");
    }
  }

  template <class T>
  T* get(PickleId id) {
    return std::get_if<T>(&document.values[id]);
  }

  std::string_view text(PickleId id, std::string_view what) {
    const auto* found = get<std::string_view>(id);
    if (found == nullptr) refuse(what, " is no text");
    return *found;
  }

  Index integer(PickleId id, std::string_view what) {
    const auto* found = get<std::int64_t>(id);
    if (found == nullptr) refuse(what, " is no whole number");
    return static_cast<Index>(*found);
  }

  const std::vector<PickleId>& tuple(PickleId id, std::string_view what, std::size_t min_size) {
    const auto* found = get<PickleTuple>(id);
    if (found == nullptr || found->items.size() < min_size) {
      refuse(what, " is no tuple of at least ", min_size, " items");
    }
    return found->items;
  }

  const PickleGlobal& global(PickleId id) const {
    const PickleGlobal* found = document.global(id);
    if (found == nullptr) refuse("calls what is no global");
    return *found;
  }

  /// A value that is not read, for `reason`. One value stands for all of the same reason.
  PickleId leave_out(const std::string& reason) {
    if (left_out_.size() == PickleLimits::reasons && !left_out_.contains(reason)) {
      return leave_out_others();
    }
    const auto [known, is_new] = left_out_.try_emplace(reason, unset);
    if (is_new) {
      document.reasons.push_back(reason);
      known->second = add(PickleLeftOut{static_cast<std::uint32_t>(document.reasons.size() - 1)});
    }
    return known->second;
  }

  static std::string name_of(const PickleGlobal& global) {
    return in_quotes(concat(global.module, ".", global.name));
  }

  /// A value that is not read for a reason beyond the limit of different ones.
  PickleId leave_out_others() {
    if (others_ == unset) {
      document.reasons.push_back("for a reason that many others came before");
      others_ = add(PickleLeftOut{static_cast<std::uint32_t>(document.reasons.size() - 1)});
    }
    return others_;
  }

  void push_mark() {
    if (marks_.size() == PickleLimits::marks) {
      refuse("holds more than ", PickleLimits::marks, " open marks");
    }
    marks_.push_back(stack_.size());
  }

  std::size_t memo_size() const { return memo_.size(); }

  void set_memo(std::size_t index) {
    if (index >= PickleLimits::values) {
      refuse("memo index ", index, " is above the limit of ", PickleLimits::values - 1);
    }
    const PickleId id = top();
    if (index >= memo_.size()) memo_.resize(index + 1, unset);
    memo_[index] = id;
  }

  void push_memo(std::size_t index) {
    if (index >= memo_.size() || memo_[index] == unset) {
      refuse("memo index ", index, " was never set");
    }
    push(memo_[index]);
  }

  void push_global(std::string_view module, std::string_view name) {
    if (module.size() > PickleLimits::name_bytes || name.size() > PickleLimits::name_bytes) {
      refuse("a name is longer than ", PickleLimits::name_bytes, " bytes");
    }
    const PickleGlobal* known = find_pickle_global(module, name);
    PickleId once = unset;
    PickleId& id = known ? known_[static_cast<std::size_t>(known - pickle_globals.data())] : once;
    if (id == unset) {
      document.globals.push_back(known ? *known : PickleGlobal{module, name});
      id = add(PickleGlobalRef{static_cast<std::uint32_t>(document.globals.size() - 1)});
    }
    push(id);
  }

  /// The document, whose root is the only value left.
  PickleDocument finish(std::size_t bytes) && {
    if (stack_.size() != 1 || !marks_.empty()) refuse("ends with ", stack_.size(), " values");
    document.root = stack_.back();
    document.bytes = bytes;
    cut_pickle_tree(document, label_);
    return std::move(document);
  }

  PickleDocument document;
  PickleId none = 0;
  PickleId false_value = 0;
  PickleId true_value = 0;
  PickleId empty_tuple = 0;

 private:
  std::vector<PickleId> pop_from(std::size_t begin) {
    std::vector<PickleId> ids(stack_.begin() + static_cast<std::ptrdiff_t>(begin), stack_.end());
    stack_.resize(begin);
    return ids;
  }

  const std::string& label_;
  std::size_t position_ = 0;
  std::vector<PickleId> stack_;
  std::vector<std::size_t> marks_;
  std::vector<PickleId> memo_;
  std::array<PickleId, pickle_globals.size()> known_{};  // values of the globals met so far
  std::map<std::string, PickleId> left_out_;             // by reason
  PickleId others_ = unset;  // stands for values left out for further reasons
  std::size_t items_ = 0;
  std::size_t tensors_ = 0;
};

}  // namespace tessera::io::detail
